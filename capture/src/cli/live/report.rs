//! What is said of a capture that has ended: the ledger, what was captured, and what went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use capture_common::HookCounters;

use super::changes_json;
use crate::cli;
use crate::cli::args::LiveArgs;
use crate::engine::{LiveReport, grouped};
use crate::sink::pcapng::Ending;
use crate::source::xsk::{QueueId, QueueTotals};

/// The ledger, and what went wrong.
pub(super) fn print_report(
    args: &LiveArgs,
    report: &LiveReport,
    writes_to_stdout: bool,
) -> anyhow::Result<ExitCode> {
    let text = if args.json {
        json_report(report).to_string() + "\n"
    } else {
        text_report(report)
    };
    let mut out: Box<dyn Write> = if writes_to_stdout {
        Box::new(io::stderr())
    } else {
        Box::new(io::stdout())
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;

    let mut code = ExitCode::SUCCESS;
    let LiveReport {
        ledger,
        packets,
        flows,
        ..
    } = report;
    let mut reader_gone = report
        .printed
        .as_ref()
        .is_some_and(|printed| matches!(printed.ending, Ending::ReaderGone));
    if let Some(file) = packets {
        match &file.ending {
            Ending::Complete => {}
            Ending::Failed(error) => {
                cli::complain(&format!(
                    "{error}; the {} packets before that are in it, {} are missing",
                    file.written, file.unwritten_disk
                ));
                code = ExitCode::FAILURE;
            }
            Ending::ReaderGone => reader_gone = true,
        }
    }
    if let Some(file) = flows {
        reader_gone |= file.reader_gone;
        if cli::flows::complain_of(file) {
            code = ExitCode::FAILURE;
        }
    }
    if !reader_gone && !ledger.holds() {
        cli::complain(
            "the ledger does not add up; this is a bug, please report it with the lines above",
        );
        code = ExitCode::FAILURE;
    }
    Ok(code)
}

fn text_report(report: &LiveReport) -> String {
    use std::fmt::Write as _;
    let LiveReport {
        ledger,
        last,
        latency,
        packets,
        flows,
        ifaces,
        refused,
        queues,
        ..
    } = report;
    let mut text = String::new();
    // Writing to a string does not fail, in all of these.
    let _infallible = write!(text, "\nloss ledger (packets)\n{ledger}");
    for line in cli::ifaces::losses(ifaces, *refused) {
        let _infallible = writeln!(text, "  {line}");
    }
    if ledger.lost() == 0 {
        text.push_str("  nothing was lost\n");
    } else {
        let _infallible = writeln!(text, "  {} packets were lost", grouped(ledger.lost()));
    }
    if let Some(left_out) = report.ledger.printed.filter(|_| packets.is_some())
        && left_out.overflowed > 0
    {
        let _infallible = writeln!(
            text,
            "  {} packets are in the file and were not printed: who takes what is printed is too slow",
            left_out.overflowed
        );
    }
    for change in &report.changes {
        let _infallible = writeln!(text, "  at {} {}", change.ts, change.text);
    }
    let k = &last.kernel;
    text.push_str(&kernel_line(k));
    let s = &ledger.shards;
    let _infallible = writeln!(
        text,
        "flows    {} record{}",
        grouped(s.records),
        if s.records == 1 { "" } else { "s" },
    );
    for note in cli::thinning::notes(k, s) {
        let _infallible = writeln!(text, "  {note}");
    }
    for note in cli::tracking::notes(s) {
        let _infallible = writeln!(text, "  {note}");
    }
    for queue in queues {
        text.push_str(&queue_line(queue));
    }
    if let (Some(p50), Some(p99), Some(p999), Some(max)) = (
        latency.quantile(0.5),
        latency.quantile(0.99),
        latency.quantile(0.999),
        latency.max(),
    ) {
        let ms = |span: crate::packet::Span| span.as_secs_f64() * 1_000.0;
        let _infallible = writeln!(
            text,
            "latency  kernel to worker: p50 {:.3} ms  p99 {:.3} ms  p99.9 {:.3} ms  max {:.3} ms",
            ms(p50),
            ms(p99),
            ms(p999),
            ms(max)
        );
    }
    if let (Some(file), Some(path)) = (packets, &report.packets_path) {
        let place = match &file.series {
            None => path.display().to_string(),
            Some(series) => cli::rotation::place(series),
        };
        let _infallible = writeln!(
            text,
            "packets  {} in {place} ({} bytes)",
            grouped(file.written),
            grouped(file.bytes)
        );
    }
    if let Some(file) = flows {
        let _infallible = writeln!(
            text,
            "records  {} in {}",
            grouped(file.written),
            file.path.display()
        );
    }
    text
}

/// What the kernel counted before anything was left out or lost.
fn kernel_line(k: &HookCounters) -> String {
    let counts = [
        ("IPv4", k.ipv4),
        ("IPv6", k.ipv6),
        ("ARP", k.arp),
        ("TCP", k.tcp),
        ("UDP", k.udp),
        ("ICMP", k.icmp),
        ("SYN", k.syn),
        ("SYN-ACK", k.syn_ack),
        ("FIN", k.fin),
        ("RST", k.rst),
    ];
    let mut line = format!("\nkernel   {} bytes", grouped(k.bytes));
    for (name, count) in counts {
        line.extend(["  ", name, " ", &grouped(count)]);
    }
    line.push('\n');
    line
}

fn json_report(report: &LiveReport) -> serde_json::Value {
    let LiveReport {
        ledger,
        last,
        latency,
        ifaces,
        refused,
        queues,
        ..
    } = report;
    let mut json = ledger.to_json();
    let k = &last.kernel;
    let ns = |share: f64| latency.quantile(share).map(|span| span.0);
    let missed: serde_json::Map<_, _> = ifaces
        .iter()
        .map(|iface| (iface.name.clone(), serde_json::json!(iface.missed)))
        .collect();
    if let Some(object) = json.as_object_mut() {
        object.insert(
            "kernel".to_owned(),
            serde_json::json!({
                "packets": k.packets, "bytes": k.bytes, "ipv4": k.ipv4, "ipv6": k.ipv6, "arp": k.arp,
                "other_net": k.other_net, "tcp": k.tcp, "udp": k.udp, "icmp": k.icmp,
                "other_transport": k.other_transport, "fragments": k.fragments, "syn": k.syn,
                "syn_ack": k.syn_ack, "fin": k.fin, "rst": k.rst, "malformed": k.malformed,
                "filtered": k.filtered, "sampled": k.sampled, "cut": k.cut, "ring_full": k.ring_full,
                "copy_failed": k.copy_failed, "no_socket": k.no_socket, "delivered": k.delivered,
                "delivered_bytes": k.delivered_bytes, "snapped": k.snapped,
                "cut_evicted": k.cut_evicted, "cut_unfollowed": k.cut_unfollowed,
            }),
        );
        object.insert(
            "latency_ns".to_owned(),
            serde_json::json!({
                "p50": ns(0.5), "p99": ns(0.99), "p999": ns(0.999), "max": latency.max().map(|span| span.0),
            }),
        );
        object.insert(
            "flows_evicted".to_owned(),
            ledger.shards.flows_evicted.into(),
        );
        object.insert("iface_missed".to_owned(), missed.into());
        let ifaces: Vec<_> = ifaces.iter().map(cli::ifaces::report_json).collect();
        object.insert("interfaces".to_owned(), ifaces.into());
        object.insert("interfaces_refused".to_owned(), (*refused).into());
        if !queues.is_empty() {
            let queues: Vec<_> = queues.iter().map(queue_json).collect();
            object.insert("af_xdp".to_owned(), queues.into());
        }
        object.insert("changes".to_owned(), changes_json(&report.changes));
    }
    json
}

/// One queue, and the six statistics of its socket.
fn queue_line((id, queue): &(QueueId, QueueTotals)) -> String {
    let s = &queue.statistics;
    format!(
        "af_xdp   {id}: {} delivered, {} behind, rx dropped {}, rx ring full {}, fill ring empty {}, \
         invalid {} rx {} tx, tx ring empty {}\n",
        grouped(queue.delivered),
        grouped(queue.behind),
        s.rx_dropped,
        s.rx_ring_full,
        s.rx_fill_ring_empty_descs,
        s.rx_invalid_descs,
        s.tx_invalid_descs,
        s.tx_ring_empty_descs,
    )
}

/// One queue, with the names of `struct xdp_statistics`.
fn queue_json((id, queue): &(QueueId, QueueTotals)) -> serde_json::Value {
    let s = &queue.statistics;
    serde_json::json!({
        "iface": id.iface_name, "queue": id.queue, "zero_copy": queue.zero_copy,
        "delivered": queue.delivered, "behind": queue.behind,
        "rx_dropped": s.rx_dropped, "rx_invalid_descs": s.rx_invalid_descs,
        "tx_invalid_descs": s.tx_invalid_descs, "rx_ring_full": s.rx_ring_full,
        "rx_fill_ring_empty_descs": s.rx_fill_ring_empty_descs,
        "tx_ring_empty_descs": s.tx_ring_empty_descs,
    })
}
