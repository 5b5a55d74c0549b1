//! Files of connection records as other programs find them: what they read in them, what they are
//! called and when, and which records are in them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use capture_tests::oracle::skip;
use capture_tests::program::locate;

use crate::fixture::{connections, file, pcap};

fn flows(arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = Command::new(locate().unwrap());
    command.arg("flows").stdin(Stdio::null());
    command.args(arguments.iter().copied().map(AsRef::as_ref));
    command.output().unwrap()
}

/// Standard output of a run that must succeed without a word.
fn printed(arguments: &[&dyn AsRef<OsStr>]) -> String {
    let output = flows(arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What `DuckDB` prints for a program in Python that knows it as `duckdb`; where it is not installed
/// the test is skipped.
fn duckdb(program: &str, arguments: &[&Path]) -> Option<String> {
    let found = Command::new("python3")
        .args(["-c", "import duckdb"])
        .output();
    if !found.is_ok_and(|output| output.status.success()) {
        skip("python3 has no duckdb");
        return None;
    }
    let output = Command::new("python3")
        .args(["-c", program])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn duckdb_reads_in_parquet_what_csv_says() {
    let folder = tempfile::tempdir().unwrap();
    let input = file(folder.path(), "a.pcap", &pcap(&connections(3000), 0));
    let [parquet, csv] = ["a.parquet", "a.csv"].map(|name| folder.path().join(name));
    printed(&[&input, &"-o", &parquet]);
    printed(&[&input, &"-o", &csv]);
    // Every column of both, as text; numbers by their value.
    let program = "
import duckdb, sys
p, c = (f\"'{path}'\" for path in sys.argv[1:])
run = lambda q: duckdb.execute(q).fetchall()
run(f'CREATE TABLE c AS FROM read_csv({c}, all_varchar = true, header = true)')
different = []
for name, kind, *_ in run(f'DESCRIBE FROM {p}'):
    cast = {'VARCHAR': 'VARCHAR', 'BOOLEAN': 'BOOLEAN'}.get(kind, 'DECIMAL(38,9)')
    cast = 'TIMESTAMP_NS' if kind.startswith('TIMESTAMP') else cast
    value = f'(a.\"{name}\" AT TIME ZONE $$UTC$$)::TIMESTAMP_NS' if kind.endswith('TZ') else f'a.\"{name}\"::{cast}'
    other = f'replace(b.\"{name}\", $$Z$$, $$$$)::{cast}' if cast == 'TIMESTAMP_NS' else f'b.\"{name}\"::{cast}'
    if cast == 'TIMESTAMP_NS':
        value, other = f'epoch_ns(a.\"{name}\")', f'epoch_ns({other})'
    n = run(f'SELECT count(*) FROM {p} a JOIN c b ON a.id = b.id::UBIGINT WHERE {value} IS DISTINCT FROM {other}')
    if n != [(0,)]: different.append((name, n))
print(run(f'SELECT count(*) FROM {p}')[0][0], run('SELECT count(*) FROM c')[0][0], different)
";
    let Some(said) = duckdb(program, &[&parquet, &csv]) else {
        return;
    };
    assert_eq!(said, "6000 6000 []\n");
}

#[test]
fn duckdb_reads_a_directory_of_hours() {
    let folder = tempfile::tempdir().unwrap();
    let mut frames = connections(20);
    for late in connections(5) {
        frames.push((late.0 + 7_200_000_000, late.1));
    }
    let input = file(folder.path(), "a.pcap", &pcap(&frames, 0));
    let root = folder.path().join("records/");
    printed(&[&input, &"-o", &root]);
    let csv = printed(&[&input, &"--format", &"csv"]);
    let program = "
import duckdb, sys
q = f\"SELECT count(*), count(DISTINCT hour), count(*) FILTER (WHERE hour::INT <> hour(make_timestamp_ns(epoch_ns(start)))) FROM read_parquet('{sys.argv[1]}/**/*.parquet', hive_partitioning = true)\"
print(*duckdb.execute(q).fetchall()[0])
";
    let Some(said) = duckdb(program, &[&root]) else {
        return;
    };
    let records = csv.lines().count() - 1;
    assert_eq!(said, format!("{records} 2 0\n"));
}

#[test]
fn a_run_that_is_killed_leaves_no_file_that_looks_complete() {
    for name in ["a.parquet", "a.csv"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut child = Command::new(locate().unwrap())
            .args(["flows", "-", "-o"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let bytes = pcap(&connections(3000), 0);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&bytes[..bytes.len() / 2]).unwrap();
        // The input stays open, so the program cannot be done.
        let partial = format!("{name}.partial");
        while !names(folder.path()).contains(&partial) {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(stdin);
        assert_eq!(names(folder.path()), BTreeSet::from([partial.clone()]));

        // It is in the way until somebody says that it may go.
        let input = file(folder.path(), "a.pcap", &bytes);
        let output = flows(&[&input, &"-o", &path]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&partial) && said.contains("--overwrite"),
            "{said}"
        );
        printed(&[&input, &"-o", &path, &"--overwrite"]);
        assert!(path.exists() && !folder.path().join(partial).exists());
    }
}

#[test]
fn the_table_has_the_largest_first_and_says_how_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let input = file(folder.path(), "a.pcap", &pcap(&connections(300), 0));
    let text = printed(&[&input, &"--top", &"7", &"--by", &"bytes"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 9, "{text}");
    assert_eq!(lines[8], "600 connections, 7 shown");
    for line in &lines[1..8] {
        // 5 * 54 + 300 and 3 * 54 + 1000, of those that were closed.
        assert!(line.contains(" 570 ") && line.contains(" 1162 "), "{line}");
    }
    let all = printed(&[&input]);
    let starts: Vec<_> = all
        .lines()
        .skip(1)
        .filter_map(|line| line.get(..12))
        .filter(|start| {
            start.starts_with(|first: char| first.is_ascii_digit()) && start.contains(':')
        })
        .collect();
    assert_eq!(starts.len(), 600);
    assert!(starts.is_sorted());
    assert!(all.ends_with("\n600 connections\n"));
}

#[test]
fn a_state_that_there_is_not_is_answered_with_those_that_there_are() {
    let output = flows(&[&"a.pcap", &"--state", &"S0,CLOSED"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for state in ["S0", "SF", "RSTOS0", "OTH"] {
        assert!(said.contains(state), "{said}");
    }
}
