//! The table, and the comparisons below it.

use std::fmt;

use axum_user_session_peers::{
    contestant::{Role, Row},
    ours::SecondUser,
};

use crate::measure::{Figures, Measured};

/// All figures, displayed as a Markdown table with the comparisons as its last lines.
pub(crate) struct Report {
    measured: Measured,
}

impl Report {
    pub(crate) fn new(measured: Measured) -> Self {
        Self { measured }
    }

    fn figures(&self) -> impl Iterator<Item = &Figures> {
        self.measured.figures.iter()
    }

    /// A row that only one contestant has.
    fn row(&self, row: Row) -> &Figures {
        self.figures()
            .find(|figures| figures.row == row)
            .expect("every row is measured")
    }

    fn bare(&self) -> &Figures {
        self.row(Row::Bare)
    }

    fn over_bare(&self, figures: &Figures) -> f64 {
        figures.median - self.bare().median
    }

    fn ours(&self, row: Row) -> &Figures {
        self.figures()
            .find(|figures| figures.role == Role::Ours && figures.row == row)
            .expect("this crate has every row")
    }

    /// The peer that is cheapest at this row.
    fn best_peer(&self, row: Row, is_peer: fn(Role) -> bool) -> &Figures {
        self.figures()
            .filter(|figures| figures.row == row && is_peer(figures.role))
            .min_by(|a, b| a.median.total_cmp(&b.median))
            .expect("every peer has this row")
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .figures()
            .map(|figures| figures.label.chars().count())
            .max()
            .unwrap_or(0);
        writeln!(
            f,
            "| {:width$} | median ns | p10 ns | over bare | allocations | over bare |",
            "case"
        )?;
        writeln!(
            f,
            "|{:-<1$}|----------:|-------:|----------:|------------:|----------:|",
            "",
            width + 2
        )?;
        for figures in self.figures() {
            writeln!(
                f,
                "| {:width$} | {:9.0} | {:6.0} | {:9.0} | {:11} | {:9} |",
                figures.label,
                figures.median,
                figures.p10,
                self.over_bare(figures),
                figures.allocations,
                figures.allocations as i64 - self.bare().allocations as i64,
            )?;
        }
        Ok(())
    }

    /// What decides: each of our overheads beside the least that a peer has at the same row.
    fn comparisons(&self) -> [Comparison<'_>; 3] {
        [
            (
                "authenticated-read overhead / best peer's",
                Row::Read,
                Role::is_peer as fn(Role) -> bool,
            ),
            (
                "anonymous overhead / best layered peer's",
                Row::Anonymous,
                |role| role == Role::LayeredPeer,
            ),
            ("sign-in overhead / best peer's", Row::SignIn, Role::is_peer),
        ]
        .map(|(name, row, is_rival)| {
            let best = self.best_peer(row, is_rival);
            Comparison {
                name,
                best,
                ratio: self.over_bare(self.ours(row)) / self.over_bare(best),
            }
        })
    }
}

struct Comparison<'a> {
    name: &'static str,
    best: &'a Figures,
    ratio: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f)?;
        let comparisons = self.comparisons();
        writeln!(f)?;
        for Comparison { best, .. } in &comparisons {
            writeln!(
                f,
                "best peer: {}, {:.0} ns over bare",
                best.label,
                self.over_bare(best)
            )?;
        }
        let SecondUser {
            nanoseconds,
            allocations,
        } = self.measured.second_user;
        writeln!(
            f,
            "second user() call: {nanoseconds:.1} ns, {allocations} allocations"
        )?;
        let over_extension = self.ours(Row::Anonymous).median - self.row(Row::Extension).median;
        writeln!(
            f,
            "anonymous overhead minus extension row's: {over_extension:.0} ns"
        )?;
        for Comparison { name, ratio, .. } in &comparisons {
            writeln!(f, "{name}: {ratio:.3}")?;
        }
        Ok(())
    }
}
