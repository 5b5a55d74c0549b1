//! All of a report as one page that needs nothing else: pictures, and beside each the table of its numbers.

use std::fmt::Write as _;

use super::grid::{Grid, escaped};
use super::words::{memory, time};
use super::{Report, charts, tables};

/// Light and dark by what the viewer prefers, in the colors of the pictures.
const STYLE: &str = "
:root { --paper: #ffffff; --text: #1f2328; --faint: #656d76; --line: #d8dee4; --band: #f6f8fa;
  --yes: #1a7f37; --no: #c1121f; --link: #1f6feb; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --text: #e6edf3; --faint: #9198a1;
  --line: #30363d; --band: #151b23; --yes: #56d364; --no: #ff6b63; --link: #6cb0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1168px; padding: 32px 24px 64px; background: var(--paper);
  color: var(--text); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 21px; margin: 56px 0 12px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 17px; margin: 40px 0 4px; }
p { margin: 0 0 12px; max-width: 80ch; }
p.lead, p.note, caption, dt { color: var(--faint); }
p.note { font-size: 13px; }
code { font: 13px ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 16px 0 0; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 20px; margin: 20px 0 0; }
dd { margin: 0; }
figure { margin: 16px -8px 8px; }
figure > svg { display: block; width: 100%; height: auto; }
details { margin: 4px 0 20px; }
summary { cursor: pointer; color: var(--link); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; margin: 8px 0; min-width: 60%; }
caption { text-align: left; padding: 4px 0 8px; font-size: 13px; }
th, td { padding: 5px 12px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 4px; }
thead th { color: var(--faint); font-weight: 600; font-size: 13px; vertical-align: bottom; white-space: normal; }
tbody th { font-weight: 500; }
tbody tr:hover { background: var(--band); }
.goals { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 12px; margin: 16px 0 8px; padding: 0; list-style: none; }
.goals li { border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: 6px; padding: 12px 14px; background: var(--band); }
.goals .met { border-left-color: var(--yes); }
.goals .missed { border-left-color: var(--no); }
.goals b { display: block; font-size: 20px; line-height: 1.3; }
.goals .met i { color: var(--yes); }
.goals .missed i { color: var(--no); }
.goals i { font-style: normal; font-weight: 600; }
.goals span { display: block; color: var(--faint); font-size: 13px; line-height: 1.4; }
@media print { details > *, details { display: block; } }
";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string does not fail, in all of these.
    let _infallible = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>capture: measurements of {date}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>How fast capture is</h1>\n\
         <p class=\"lead\">Measured on {date} on {cpu}. Rows of one run compare with each other; absolute \
         figures wander with the machine.</p>\n",
        date = escaped(&report.run.date),
        cpu = escaped(&report.machine.cpu),
    );
    contents(report, &mut out);
    machine(report, &mut out);
    out.push_str("<main>\n");
    goals(report, &mut out);
    live(report, &mut out);
    if !report.through.is_empty() {
        section("through", "What the stack still gets", &mut out);
        figure(
            &charts::through(&report.through),
            &[tables::through(report)],
            &mut out,
        );
    }
    if let Some(offline) = &report.offline {
        section("offline", "Files", &mut out);
        figure(&charts::file(offline), &[tables::file(offline)], &mut out);
    }
    if !report.flow_table.is_empty() {
        section("flow-table", "The flow table", &mut out);
        let chart = charts::flow_table(report, "flow-table-panel");
        figure(&chart, &[tables::flow_table(report)], &mut out);
    }
    method(report, &mut out);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn contents(report: &Report, out: &mut String) {
    let sections = [
        (
            "goals",
            "Numbers to reach",
            report.goals.iter().any(|goal| goal.met.is_some()),
        ),
        ("live", "Live", !report.live.is_empty()),
        (
            "through",
            "What the stack still gets",
            !report.through.is_empty(),
        ),
        ("offline", "Files", report.offline.is_some()),
        (
            "flow-table",
            "The flow table",
            !report.flow_table.is_empty(),
        ),
        ("method", "How it is measured", true),
    ];
    out.push_str("<nav>");
    for (id, name, is_there) in sections {
        if is_there {
            let _infallible = write!(out, "<a href=\"#{id}\">{name}</a>");
        }
    }
    out.push_str("</nav>\n");
}

fn section(id: &str, name: &str, out: &mut String) {
    let _infallible = writeln!(out, "<h2 id=\"{id}\">{name}</h2>");
}

/// A picture, and its numbers below.
fn figure(svg: &str, grids: &[Grid], out: &mut String) {
    let _infallible = writeln!(
        out,
        "<figure>{svg}</figure>\n<details open><summary>Numbers</summary>"
    );
    for grid in grids.iter().filter(|grid| !grid.rows.is_empty()) {
        out.push_str(&grid.html());
    }
    out.push_str("</details>\n");
}

/// A long table, out of the way.
fn folded(name: &str, grid: &Grid, out: &mut String) {
    let _infallible = writeln!(
        out,
        "<details><summary>{name}</summary>\n{}</details>",
        grid.html()
    );
}

fn machine(report: &Report, out: &mut String) {
    let (machine, run) = (&report.machine, &report.run);
    let mut facts = vec![
        (
            "machine",
            format!(
                "{}{}, {} CPUs, {} of memory",
                machine.cpu,
                if machine.is_virtual {
                    " (virtual machine)"
                } else {
                    ""
                },
                machine.cores,
                memory(machine.memory_bytes),
            ),
        ),
        (
            "system",
            format!("{}, Linux {}", machine.system, machine.kernel),
        ),
        (
            "frequency",
            machine
                .governor
                .clone()
                .unwrap_or_else(|| "not told by this machine".to_owned()),
        ),
        (
            "disturbance",
            format!(
                "load {:.2} before it began; the host took {:.1} s of CPU away in {:.0} s",
                run.load, run.stolen_seconds, run.seconds
            ),
        ),
    ];
    if let Some(file_system) = &machine.file_system {
        facts.push(("disk", file_system.clone()));
    }
    if let Some(revision) = &run.revision {
        facts.push(("revision", revision.clone()));
    }
    let programs: Vec<_> = machine
        .programs
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    if !programs.is_empty() {
        facts.push(("peers", programs.join(", ")));
    }
    out.push_str("<dl>\n");
    for (name, text) in facts {
        let _infallible = writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(&text));
    }
    let _infallible = writeln!(
        out,
        "<dt>command</dt><dd><code>{}</code></dd>\n</dl>",
        escaped(&run.command)
    );
}

fn goals(report: &Report, out: &mut String) {
    if report.goals.iter().all(|goal| goal.met.is_none()) {
        return;
    }
    section("goals", "Numbers to reach", out);
    out.push_str("<ul class=\"goals\">\n");
    for goal in &report.goals {
        let (class, word) = match goal.met {
            Some(true) => ("met", "met"),
            Some(false) => ("missed", "not met"),
            None => ("open", "not measured"),
        };
        let _infallible = writeln!(
            out,
            "<li class=\"{class}\"><b>{}</b><i>{word}</i>, wanted: {}<span>{}</span></li>",
            escaped(goal.found.as_deref().unwrap_or("–")),
            escaped(&goal.wanted),
            escaped(&goal.what),
        );
    }
    out.push_str("</ul>\n");
}

/// Names within the pictures, which have to differ in a page.
const PANELS: [&str; 8] = [
    "loss-a", "loss-b", "loss-c", "loss-d", "loss-e", "loss-f", "loss-g", "loss-h",
];

fn live(report: &Report, out: &mut String) {
    if report.live.is_empty() {
        return;
    }
    section("live", "Live", out);
    if report.run.rate_pps.is_none() {
        let _infallible = writeln!(out, "<figure>{}</figure>", charts::rates(report));
    }
    for (size, id) in report.live.iter().zip(PANELS.into_iter().cycle()) {
        let _infallible = writeln!(out, "<h3>{}</h3>", escaped(&tables::frames(size)));
        let grids = match report.run.rate_pps {
            None => vec![tables::rates(size), tables::causes(size)],
            Some(_) => vec![tables::causes(size)],
        };
        figure(&charts::loss(size, id), &grids, out);
        folded("All trials", &tables::trials(size), out);
        if let Some(chart) = charts::latency(size) {
            figure(&chart, &[tables::latency(size)], out);
        }
    }
}

fn method(report: &Report, out: &mut String) {
    let run = &report.run;
    section("method", "How it is measured", out);
    let _infallible = writeln!(
        out,
        "<p>Frames are made by an XDP program in live-frame test runs in one network namespace, on CPU {sender}, and \
         arrive over a veth pair in another. A veth receives where it is sent, so CPU {sender} also pays for the \
         receiving side of the kernel, and a slower receiver slows the sender down. Workers and peers run on CPU \
         {worker}. Each capture has {buffer} of memory between kernel and program.</p>\n\
         <p>Connections have {session} frames: three that open them, three that close them, and data of the size that is \
         named, both ways; the first and last are 64 bytes long. IMIX is data of 60, 590 and 1514 bytes in the proportion \
         7:4:1 (64, 594 and 1518 with frame check sequence).</p>\n\
         <p>The highest rate without loss is searched by bisection below what goes flat out; a rate that loses is \
         tried once more, since the host under a virtual machine takes CPUs away; what was found has to hold three times as long. \
         Lost is what was sent and neither tracked nor, where packets are written, in the file. The ceiling, a program that \
         counts and drops, is measured again before each receiver.</p>",
        sender = run.sender_cpu,
        worker = run.worker_cpu,
        buffer = memory(run.buffer_bytes),
        session = run.session_frames,
    );
    for remark in &report.remarks {
        let _infallible = writeln!(out, "<p class=\"note\">{}</p>", escaped(remark));
    }
    let longest = report
        .live
        .iter()
        .flat_map(|size| &size.consumers)
        .filter_map(|consumer| consumer.half.as_ref()?.latency);
    if let Some(most) = longest.map(|latency| latency.max_ns).max() {
        let _infallible = writeln!(
            out,
            "<p class=\"note\">Waiting times are of the oldest packet of each burst, for all of its packets; the longest of all \
             was {}. It holds what the host took away.</p>",
            time(most)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn the_page_has_every_row_of_every_table() {
        let report = example::report();
        let page = page(&report);
        for grid in tables::tables(&report).iter().skip(1) {
            for row in &grid.rows {
                let cells = row
                    .iter()
                    .skip(1)
                    .map(|cell| format!("<td>{}</td>", escaped(cell)));
                let row: String = [format!("<tr><th scope=\"row\">{}</th>", escaped(&row[0]))]
                    .into_iter()
                    .chain(cells)
                    .collect();
                assert!(page.contains(&row), "{}: {row}", grid.title);
            }
        }
        for goal in &report.goals {
            assert!(page.contains(&escaped(&goal.what)), "{}", goal.what);
        }
        for size in &report.live {
            for row in &tables::trials(size).rows {
                assert!(page.contains(&format!("<td>{}</td>", row[1])));
            }
        }
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = page(&example::report());
        // Names of namespaces are no addresses that are asked for.
        let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for word in [
            "http:", "https:", "<script", "<link", "url(//", "@import", "src=",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn names_within_pictures_differ() {
        let mut report = example::report();
        report.live.push(report.live[0].clone());
        let page = page(&report);
        let mut ids: Vec<_> = page
            .split("id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{ids:?}");
    }

    #[test]
    fn what_a_machine_calls_itself_cannot_break_out() {
        let page = page(&example::report());
        assert!(page.contains("Example &lt;CPU&gt;") && !page.contains("<CPU>"));
    }
}
