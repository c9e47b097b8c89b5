//! Writes the seeds into the corpus, over those of an earlier format: `cargo run --manifest-path fuzz/Cargo.toml --bin seeds`.

#[path = "../tests/support/fuzz_targets.rs"]
mod fuzz_targets;

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in [
        ("cookie_header", fuzz_targets::cookie_header_seeds()),
        ("ticket_codec", fuzz_targets::ticket_codec_seeds()),
    ] {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
