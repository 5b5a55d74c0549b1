//! Options as words of a command line: what was checked here is told once more to the program that measures.

use std::fmt::Display;
use std::path::Path;

use clap::ValueEnum as _;

use super::options::{Options, Part};

/// The words; those of what is not set are left out.
pub(crate) fn words(options: &Options) -> Vec<String> {
    // Taken apart, so that an option that is added is not forgotten here.
    let Options {
        quick,
        only,
        size,
        consumers,
        flows,
        seconds,
        trials,
        rounds,
        rate,
        sender_cpu,
        worker_cpu,
        file,
        runs,
        table,
        markdown,
        from,
        output,
    } = options;
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), value]);
        }
    };
    let parts: Vec<_> = only.iter().copied().map(name).collect();
    add("--only", list(&parts));
    add("--size", list(size));
    add("--consumers", list(consumers));
    add("--flows", text(flows.as_ref()));
    add("--seconds", text(seconds.as_ref()));
    add("--trials", text(trials.as_ref()));
    add("--rounds", text(rounds.as_ref()));
    add("--rate", text(rate.as_ref()));
    add("--sender-cpu", text(sender_cpu.as_ref()));
    add("--worker-cpu", text(worker_cpu.as_ref()));
    add("--file", path(file.as_deref()));
    add("--runs", text(runs.as_ref()));
    add("--table", list(table));
    add("--from", path(from.as_deref()));
    add("--output", path(output.as_deref()));
    for (name, is_set) in [("--quick", *quick), ("--markdown", *markdown)] {
        if is_set {
            words.push(name.to_owned());
        }
    }
    words
}

fn name(part: Part) -> String {
    let value = part.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

fn text<T: Display>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn path(value: Option<&Path>) -> Option<String> {
    value.map(|path| path.to_string_lossy().into_owned())
}

fn list<T: Display>(values: &[T]) -> Option<String> {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    fn again(words: &[String]) -> Options {
        let typed = ["bench".to_owned()]
            .into_iter()
            .chain(words.iter().cloned());
        Typed::try_parse_from(typed).unwrap().options
    }

    #[test]
    fn options_come_back_from_their_words() {
        let all = Options {
            quick: true,
            only: vec![Part::Live, Part::FlowTable],
            size: vec!["64".to_owned(), "imix".to_owned()],
            consumers: vec!["tap".to_owned()],
            flows: Some(5),
            seconds: Some(6),
            trials: Some(7),
            rounds: Some(8),
            rate: Some(0),
            sender_cpu: Some(2),
            worker_cpu: Some(3),
            file: Some("a b".into()),
            runs: Some(9),
            table: vec![10, 11],
            markdown: true,
            from: Some("c".into()),
            output: Some("d".into()),
        };
        assert_eq!(again(&words(&all)), all);
        assert!(words(&Options::default()).is_empty());
    }
}
