//! The committed inputs: `corpus/TARGET/NAME`. What a target once fell over lies there forever.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// The inputs of a target with their names, in the order of these.
///
/// # Errors
///
/// When the folder cannot be read; that there is none is no error.
pub fn inputs(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let folder = match fs::read_dir(folder(target)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut inputs = Vec::new();
    for entry in folder {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        inputs.push((name.to_string_lossy().into_owned(), fs::read(&path)?));
    }
    inputs.sort_unstable();
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Mutator;
    use crate::random::Random;
    use crate::{TARGETS, Target};

    fn target(name: &str) -> &'static Target {
        TARGETS.iter().find(|target| target.name == name).unwrap()
    }

    /// All that is committed, all seeds, and some inputs made of them: what `cargo xtask fuzz` does for
    /// longer.
    fn holds(name: &str) {
        let target = target(name);
        let mut all: Vec<_> = inputs(name)
            .unwrap()
            .into_iter()
            .map(|(_, input)| input)
            .collect();
        all.extend((target.seeds)());
        for input in &all {
            (target.run)(input);
        }
        let mutator = Mutator::new(target.shape, target.max_len);
        let mut random = Random::new(1);
        for _ in 0..300 {
            let mut input = random.one_of(&all).unwrap().clone();
            let other = random.one_of(&all).unwrap();
            mutator.mutate(&mut input, other, &mut random);
            (target.run)(&input);
        }
    }

    #[test]
    fn any_packet_is_dissected() {
        holds("dissect");
    }

    #[test]
    fn any_file_ends_in_records_and_closed_books() {
        holds("files");
    }

    #[test]
    fn any_file_is_printed() {
        holds("read");
    }

    #[test]
    fn any_display_filter_is_understood_or_refused() {
        holds("display-filter");
    }

    #[test]
    fn any_capture_filter_is_understood_or_refused() {
        holds("capture-filter");
    }

    #[test]
    fn any_file_has_statistics() {
        holds("statistics");
    }

    #[test]
    fn any_file_is_exported_whole() {
        holds("export");
    }

    #[test]
    fn any_segments_are_tracked() {
        holds("tracker");
    }

    #[test]
    fn no_input_belongs_to_a_target_that_there_is_not() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(
                TARGETS.iter().any(|target| *target.name == *name),
                "{name:?}"
            );
        }
    }
}
