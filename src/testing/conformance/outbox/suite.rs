use std::{any::Any, future::Future};

use crate::store::LogoutOutbox;

/// Runs all cases, one after the other, each on a fresh, empty outbox that `make` makes.
///
/// For tests that are put together in another way than [`outbox_conformance!`](crate::outbox_conformance) does. It must be called on a runtime of tokio, and
/// races are found best on one with several threads.
///
/// # Panics
///
/// When all have run and some have failed, with their names and why.
///
/// ```no_run
/// # async fn test() {
/// use axum_user_session::{store::MemoryStore, testing::conformance::outbox};
///
/// outbox::run(async || MemoryStore::new(10_000)).await;
/// # }
/// ```
pub async fn run<O, F, Fut>(mut make: F)
where
    O: LogoutOutbox,
    F: FnMut() -> Fut,
    Fut: Future<Output = O>,
{
    let mut failures = Vec::new();
    __each_outbox_case!(run make failures);
    assert!(failures.is_empty(), "failed:\n{}", failures.join("\n"));
}

fn describe(case: &str, panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("{case}: {}", text.unwrap_or("it panicked"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// The names of all cases, by module.
    const CASES: &[(&str, &[&str])] = __each_outbox_case!(names);

    /// A case that is in no list is never run.
    #[test]
    fn every_case_is_in_the_list() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/conformance/outbox");
        let mut written = Vec::new();
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(path).unwrap();
            let cases = text.lines().filter_map(|line| {
                let (name, takes) = line.strip_prefix("pub async fn ")?.split_once('(')?;
                takes
                    .starts_with("outbox: impl LogoutOutbox)")
                    .then(|| name.to_owned())
            });
            written.extend(cases.map(|case| (module.clone(), case)));
        }
        let cases = CASES.iter();
        let listed = cases.flat_map(|(module, cases)| {
            let of_module = |case: &&str| (module.to_string(), case.to_string());
            cases.iter().map(of_module)
        });
        let mut listed: Vec<_> = listed.collect();
        written.sort();
        listed.sort();
        assert_eq!(written, listed);
    }
}
