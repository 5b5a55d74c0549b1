//! Words that people know from tcpdump, dumpcap, tshark, editcap, argus and Zeek, and what they are called
//! here: a command line that is refused says what to type instead.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A word that is not known here, and what to do without it.
type Hint = (&'static str, &'static str);

// What is said of several words.

/// The link type cannot be chosen.
const LINK_TYPE: &str = "packets have the link type of their interface; `capture live -D` shows it";
/// There is one place for messages.
const MESSAGES: &str = "messages go to standard error";
/// Monitor mode is the card's.
const MONITOR: &str =
    "the wireless card is put into monitor mode by iw: iw dev IF set monitor none";
/// No protocol is switched off.
const ALL_PROTOCOLS: &str = "all protocols that are known are looked for; -d tcp.port==8080,data has what a port carries as bytes";
/// What is about capturing.
const LIVE_OPTION: &str = "`capture live --print` captures, and has such options";
/// Permissions of files.
const UMASK: &str = "files have the permissions that umask leaves";
/// The kernel's buffer.
const RING_SIZE: &str = "--ring-size is the memory of each worker's ring";
/// The same, of another command.
const LIVE_RING_SIZE: &str = "`capture live --ring-size` is the memory of each worker's ring";
/// Whose rights are used.
const PRIVILEGES: &str = "instead of root, the program can have the capabilities that it needs: `capture doctor` says which";

/// Before any command.
const TOP: &[Hint] = &[
    ("-i", "`capture live -i IF` captures"),
    ("-D", "`capture live -D` lists the interfaces"),
    (
        "-r",
        "`capture read -r FILE` prints packets, `capture flows FILE` connections",
    ),
    ("-w", "`capture live -i IF -w FILE` captures into a file"),
];

/// For all commands.
const COMMON: &[Hint] = &[
    ("--version", "`capture --version` says which one it is"),
    ("--log-level", MESSAGES),
    ("--log-fatal", MESSAGES),
    ("--log-domains", MESSAGES),
    ("--log-debug", MESSAGES),
    ("--log-noisy", MESSAGES),
    ("--log-file", MESSAGES),
    ("--temp-dir", "nothing is kept in files of its own"),
    (
        "--capture-comment",
        "comments are written behind: `capture export FILE -w OUT --comment TEXT`",
    ),
];

/// For commands that capture.
const LIVE: &[Hint] = &[
    (
        "-A",
        "--print -x prints the bytes; -z follow,tcp,ascii,0 what a stream carries",
    ),
    ("-B", RING_SIZE),
    ("-C", "-b filesize:10MB begins new files by size"),
    (
        "-F",
        "a filter of a file is -f \"$(cat FILE)\"; packets are written as pcapng, and `capture export` makes pcap of it",
    ),
    ("-G", "-b duration:60 begins new files by age"),
    ("-I", MONITOR),
    (
        "-K",
        "--ignore-checksums believes packets whose checksum is wrong",
    ),
    ("-L", LINK_TYPE),
    ("-R", "-Y is the display filter"),
    ("-W", "-b files:24 keeps the newest files"),
    ("-X", "--print -x prints the bytes of packets"),
    ("-Z", PRIVILEGES),
    (
        "-r",
        "`capture read -r FILE` prints the packets of a file, `capture flows FILE` its connections",
    ),
    ("-y", LINK_TYPE),
    ("-M", "--json is for programs to read"),
    ("-g", UMASK),
    (
        "-k",
        "the wireless card is put onto a channel by iw: iw dev IF set channel 6",
    ),
    (
        "--ifdescr",
        "the description of an interface is what the system has: ip link set dev IF alias TEXT",
    ),
    (
        "--ifname",
        "the name of an interface is what the system has",
    ),
    (
        "--immediate-mode",
        "packets are printed and written as they come",
    ),
    ("--micro", "times are in nanoseconds"),
    ("--nano", "times are in nanoseconds anyway"),
    ("--number", "--print numbers packets"),
    ("--time-stamp-precision", "times are in nanoseconds"),
    (
        "--list-time-stamp-types",
        "--time-stamp-type is host or host_hiprec",
    ),
    ("--buffer-size", RING_SIZE),
    ("--list-data-link-types", LINK_TYPE),
    ("--linktype", LINK_TYPE),
    ("--monitor-mode", MONITOR),
    ("--relinquish-privileges", PRIVILEGES),
];

/// For commands that read files and take no `-r`.
const FILES: &[Hint] = &[
    (
        "-r",
        "files are named without an option: capture COMMAND FILE",
    ),
    ("-n", "addresses are never looked up here"),
];

const READ: &[Hint] = &[
    (
        "-A",
        "-x prints the bytes; -z follow,tcp,ascii,0 what a stream carries",
    ),
    ("-D", "`capture live -D` lists the interfaces"),
    ("-X", "-x prints the bytes of packets"),
    ("-a", "-c 1000 stops after so many packets"),
    ("-b", "`capture live -b` writes files in a row"),
    (
        "-i",
        "`capture live --print -i IF` prints packets as they come",
    ),
    ("-s", "`capture live -s` copies less of packets"),
    ("-v", "-V prints all fields"),
    ("--hexdump", "-x prints the bytes of packets"),
    ("--disable-protocol", ALL_PROTOCOLS),
    ("--enable-protocol", ALL_PROTOCOLS),
    ("--only-protocols", ALL_PROTOCOLS),
    ("--disable-all-protocols", ALL_PROTOCOLS),
    ("--disable-heuristic", ALL_PROTOCOLS),
    ("--enable-heuristic", ALL_PROTOCOLS),
    (
        "--elastic-mapping-filter",
        "-T ek prints documents for Elasticsearch",
    ),
    (
        "--export-tls-session-keys",
        "secrets that a file has stay in what -w writes",
    ),
    ("--list-data-link-types", LINK_TYPE),
    (
        "--list-interfaces",
        "`capture live -D` lists the interfaces",
    ),
    (
        "--list-time-stamp-types",
        "`capture live --time-stamp-type` is host or host_hiprec",
    ),
    ("--monitor-mode", MONITOR),
    ("--no-promiscuous-mode", LIVE_OPTION),
    ("--time-stamp-type", LIVE_OPTION),
    ("--buffer-size", LIVE_RING_SIZE),
    ("--linktype", LINK_TYPE),
    ("-B", LIVE_RING_SIZE),
    ("-I", MONITOR),
    ("-p", LIVE_OPTION),
    ("-y", LINK_TYPE),
    ("-L", LINK_TYPE),
    ("-C", "-o sets a preference; there are no profiles"),
    (
        "-H",
        "names that a file has are shown by -N d; nothing is looked up",
    ),
    ("-K", "Kerberos is not decrypted"),
    ("-M", "memory is bounded by itself, however long a file is"),
    ("-U", "-z follow,tcp,raw,0 prints what a stream carries"),
    ("-W", "names that a file has stay in what -w writes"),
    ("-g", UMASK),
];

const FLOWS: &[Hint] = &[
    (
        "-C",
        "--ignore-checksums believes packets whose checksum is wrong",
    ),
    (
        "-N",
        "--top 20 shows the first connections, in the order of --by",
    ),
    (
        "-T",
        "--format chooses the form: csv, jsonl, parquet, zeek, zeek-json, ipfix, table",
    ),
    (
        "-Y",
        "a display filter goes before: capture export FILE -Y FILTER -w - | capture flows -",
    ),
    (
        "-c",
        "--top 20 shows the first connections, in the order of --by",
    ),
    ("-e", "-o FILE.csv has all columns; --columns lists them"),
    (
        "-i",
        "`capture live -i IF --flows FILE` writes connection records as they end",
    ),
    ("-m", "--by chooses the order"),
    ("-s", "-o FILE.csv has all columns; --columns lists them"),
    ("-w", "-o FILE writes the records"),
    ("-z", "`capture stats FILE` has statistics of packets"),
    ("--csv", "--format csv, or -o FILE.csv"),
    ("--json", "--format jsonl, or -o FILE.jsonl"),
];

const EXPORT: &[Hint] = &[
    (
        "-A",
        "-Y 'frame.time >= \"2026-11-21 12:00:00\"' chooses by time",
    ),
    (
        "-B",
        "-Y 'frame.time < \"2026-11-21 12:00:00\"' chooses by time",
    ),
    (
        "-F",
        "the ending of -w chooses the format: .pcap is pcap, all others pcapng; .gz behind it packs it",
    ),
    (
        "-R",
        "-Y is the display filter; -2 reads everything before it chooses",
    ),
    (
        "-a",
        "--mark=TEXT comments packets, --comment TEXT the file",
    ),
];

const STATS: &[Hint] = &[
    (
        "-Y",
        "a filter goes behind the name: 'conv,tcp,ip.addr == 10.0.0.1'",
    ),
    ("-q", "nothing but the statistics is printed"),
    (
        "-z",
        "statistics are named without an option: capture stats FILE conv,tcp",
    ),
];

const PLOT: &[Hint] = &[
    ("-w", "-o FILE writes the picture"),
    (
        "-Y",
        "-f is a capture filter; `capture export -Y FILTER -w -` chooses by display filter",
    ),
];

const FILTER: &[Hint] = &[
    ("-O", "--dump cbpf shows the optimized program"),
    ("-d", "--dump cbpf prints the program as tcpdump -d does"),
    (
        "-f",
        "the expression comes first, without an option: capture filter 'port 80' FILE",
    ),
    ("-y", "--link is the link type"),
];

const GENERATE: &[Hint] = &[
    ("-o", "-w FILE writes the frames into a file"),
    ("--pps", "--rate is in frames a second"),
    ("--time", "--duration ends it"),
];

/// What is said of a word that `command` does not know.
fn hint(command: Option<&str>, word: &str) -> Option<&'static str> {
    let hints: &[&[Hint]] = match command {
        Some("live") => &[LIVE],
        Some("bench") => &[LIVE],
        Some("read") => &[READ],
        Some("flows") => &[FLOWS, FILES],
        Some("export") => &[EXPORT, FILES],
        Some("stats") => &[STATS, FILES],
        Some("plot") => &[PLOT, FILES],
        Some("filter") => &[FILTER, FILES],
        Some("generate") => &[GENERATE],
        Some(_) => &[],
        None => &[TOP],
    };
    hints
        .iter()
        .copied()
        .chain([COMMON])
        .flatten()
        .find(|(known, _)| *known == word)
        .map(|(_, hint)| *hint)
}

/// What to do about a command line that was refused, as far as more is known than the parser says.
fn advice(error: &clap::Error, command: Option<&str>) -> Option<String> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let word = word(ContextKind::InvalidArg)?;
            let below_zero = word
                .strip_prefix('-')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if below_zero {
                return Some("no number here can be below zero".to_owned());
            }
            hint(command, word).map(str::to_owned)
        }
        ErrorKind::InvalidSubcommand => {
            let word = word(ContextKind::InvalidSubcommand)?;
            let is_file = word.contains(['/', '.']);
            is_file.then(|| format!("`capture read {word}` prints the packets of a file, `capture flows {word}` its connections"))
        }
        ErrorKind::MissingRequiredArgument => {
            let ContextValue::Strings(missing) = error.get(ContextKind::InvalidArg)? else {
                return None;
            };
            let iface = missing.iter().any(|word| word.starts_with("--iface"));
            iface.then(|| "`capture live -D` lists the interfaces".to_owned())
        }
        _ => None,
    }
}

/// Adds to an error what is known of its words, and takes away what helps nobody: that a word with a dash
/// could be meant as a value.
pub(super) fn advise(mut error: clap::Error, command: Option<&str>) -> clap::Error {
    let advice = advice(&error, command);
    if error.kind() == ErrorKind::UnknownArgument {
        error.remove(ContextKind::Suggested);
    }
    if let Some(advice) = advice {
        // What is written alike means something else.
        error.remove(ContextKind::SuggestedArg);
        let advice = ContextValue::StyledStrs(vec![advice.into()]);
        error.insert(ContextKind::Suggested, advice);
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Args;

    const TABLES: [(&str, &[Hint]); 10] = [
        ("live", COMMON),
        ("read", COMMON),
        ("live", LIVE),
        ("read", READ),
        ("flows", FLOWS),
        ("export", EXPORT),
        ("stats", STATS),
        ("plot", PLOT),
        ("filter", FILTER),
        ("generate", GENERATE),
    ];

    fn refusal(words: &[&str]) -> String {
        let words: Vec<_> = ["capture"].iter().chain(words).copied().collect();
        let error = <Args as clap::Parser>::try_parse_from(&words).unwrap_err();
        advise(
            error,
            words.get(1).copied().filter(|word| !word.starts_with('-')),
        )
        .to_string()
    }

    /// Whether a command takes this word.
    fn takes(command: &clap::Command, word: &str) -> bool {
        command.get_arguments().any(|arg| {
            arg.get_short_and_visible_aliases()
                .unwrap_or_default()
                .iter()
                .any(|short| word == format!("-{short}"))
                || arg
                    .get_long_and_visible_aliases()
                    .unwrap_or_default()
                    .iter()
                    .any(|long| word == format!("--{long}"))
        })
    }

    #[test]
    fn no_word_that_is_known_is_called_unknown() {
        let program = Args::command();
        for (name, hints) in TABLES {
            let command = program.find_subcommand(name).unwrap();
            for (word, _) in hints {
                assert!(!takes(command, word), "{name} {word}");
            }
        }
    }

    #[test]
    fn options_that_hints_name_exist() {
        let program = Args::command();
        for (name, hints) in TABLES {
            let command = program.find_subcommand(name).unwrap();
            for (word, hint) in hints {
                // What is in backquotes or behind a pipe is of other commands.
                let own = hint.split('`').step_by(2);
                for option in own
                    .flat_map(str::split_whitespace)
                    .filter(|part| part.starts_with("--"))
                {
                    let option = option.split(['=', ',', ';']).next().unwrap();
                    assert!(takes(command, option), "{name} {word}: {option}");
                }
            }
        }
    }

    #[test]
    fn familiar_words_are_told_what_they_are_called_here() {
        for (words, told) in [
            (&["live", "-i", "eth0", "-G", "60"][..], "-b duration:60"),
            (&["live", "-i", "eth0", "-Z", "root"], "capture doctor"),
            (&["read", "x.pcap", "-X"], "-x prints the bytes"),
            (&["flows", "-r", "x.pcap"], "without an option"),
            (
                &["stats", "x.pcap", "-z", "conv,tcp"],
                "capture stats FILE conv,tcp",
            ),
            (&["filter", "port 80", "-d"], "--dump cbpf"),
            (&["-i", "eth0"], "capture live -i IF"),
            (&["x.pcap"], "capture read x.pcap"),
            (
                &["read", "--disable-protocol", "http"],
                "tcp.port==8080,data",
            ),
            (&["live", "-i", "eth0", "--version"], "capture --version"),
            (&["live"], "capture live -D"),
            (&["read", "x.pcap", "-c", "-1"], "below zero"),
        ] {
            let text = refusal(words);
            assert!(text.contains(told), "{words:?}: {text}");
            assert!(!text.contains("'-- -"), "{words:?}: {text}");
        }
    }

    #[test]
    fn a_word_that_was_hardly_missed_is_still_named() {
        let text = refusal(&["live", "-i", "eth0", "--durtion", "3"]);
        assert!(text.contains("--duration"), "{text}");
    }
}
