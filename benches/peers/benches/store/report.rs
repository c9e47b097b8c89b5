//! The table, and the ratios below it.

use std::fmt;

use crate::measure::{Cell, Turns};

/// All cells, displayed as a Markdown table with the ratios as its last lines.
pub(crate) struct Report {
    cells: Vec<Cell>,
}

impl Report {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self { cells }
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| store    | request       | at once |  ours/s | p50 us | p99 us | tower-sessions/s | p50 us | p99 us | ratio |"
        )?;
        writeln!(
            f,
            "|----------|---------------|--------:|--------:|-------:|-------:|-----------------:|-------:|-------:|------:|"
        )?;
        for cell in &self.cells {
            let [p50, p99] = latencies(&cell.ours);
            let [their_p50, their_p99] = latencies(&cell.theirs);
            writeln!(
                f,
                "| {:8} | {:13} | {:7} | {:7.0} | {p50:>6} | {p99:>6} | {:16.0} | {their_p50:>6} | {their_p99:>6} | {:5.2} |",
                cell.place.name(),
                cell.operation.name(),
                cell.at_once,
                cell.ours.rate(),
                cell.theirs.rate(),
                cell.ratio(),
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f)?;
        writeln!(f)?;
        // The numbers at once of one store and request are neighbours.
        let same = |a: &Cell, b: &Cell| (a.place, a.operation) == (b.place, b.operation);
        let mut missed = 0;
        for cells in self.cells.chunk_by(same) {
            let first = &cells[0];
            let ratios = cells.iter().map(|cell| {
                let alone = if cell.at_once == 1 { "one" } else { "many" };
                format!("{:.2} {alone} at once", cell.ratio())
            });
            let ratios: Vec<_> = ratios.collect();
            let goal = first.operation.goal();
            let is_met = cells.iter().all(|cell| cell.ratio() >= goal);
            missed += usize::from(!is_met);
            writeln!(
                f,
                "ours / tower-sessions, {} {}: {}; goal {goal}: {}",
                first.place.name(),
                first.operation.name(),
                ratios.join(", "),
                if is_met { "met" } else { "NOT MET" },
            )?;
        }
        match missed {
            0 => writeln!(f, "goal met everywhere"),
            missed => writeln!(f, "goal missed in {missed} of the lines above"),
        }
    }
}

/// The median and the 99th percentile, with a digit after the point where it says something.
fn latencies(turns: &Turns) -> [String; 2] {
    [0.5, 0.99].map(|part| {
        let latency = turns.latency(part);
        let digits = if latency < 100.0 { 1 } else { 0 };
        format!("{latency:.digits$}")
    })
}
