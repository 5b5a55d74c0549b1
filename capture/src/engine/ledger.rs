//! What became of every packet, from the hook to the file, and whether it adds up.

use std::fmt;

use capture_common::HookCounters;

use crate::shard::ShardTotals;
use crate::sink::flows::FlowFileSummary;
use crate::sink::pcapng::PacketFileSummary;
use crate::source::xsk::XskTotals;

/// The counts of every stage at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// What the kernel counted; `None` when files were read.
    pub kernel: Option<HookCounters>,
    /// What became of what the kernel's programs handed to `AF_XDP` sockets; `None` where they copy
    /// into rings.
    pub sockets: Option<XskTotals>,
    /// What the shards counted.
    pub shards: ShardTotals,
    /// Packets in the pcapng file, left out because the disk was too slow, and left out because it
    /// would not take them; `None` when no packets were written.
    pub packets: Option<Written>,
    /// Packets that the printer took, that were left out because it was too slow, and because nobody
    /// took its lines any more; `None` when no packets were to be printed.
    pub printed: Option<Written>,
    /// Likewise for connection records.
    pub records: Option<Written>,
}

/// What became of what was to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// In the file.
    pub written: u64,
    /// Left out because the disk was too slow.
    pub overflowed: u64,
    /// Left out because the disk would not take it.
    pub failed: u64,
    /// Not asked for.
    pub skipped: u64,
}

impl From<&FlowFileSummary> for Written {
    fn from(summary: &FlowFileSummary) -> Self {
        Self {
            written: summary.written,
            overflowed: summary.overflowed,
            failed: summary.failed,
            skipped: summary.skipped,
        }
    }
}

impl From<&PacketFileSummary> for Written {
    fn from(summary: &PacketFileSummary) -> Self {
        Self {
            written: summary.written,
            overflowed: summary.unwritten_overflow,
            failed: summary.unwritten_disk,
            skipped: summary.skipped,
        }
    }
}

/// One equation of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is to be accounted for.
    pub whole: (&'static str, u64),
    /// Where it went. The sum must be the whole.
    pub parts: Vec<(&'static str, u64)>,
}

impl Check {
    /// Whether it adds up.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.parts
            .iter()
            .map(|(_, count)| u128::from(*count))
            .sum::<u128>()
            == u128::from(self.whole.1)
    }
}

impl Ledger {
    /// All equations, from the kernel to the disk.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let Self {
            kernel,
            sockets,
            shards,
            packets,
            printed,
            records,
        } = self;
        let mut checks = Vec::new();
        let mut delivered = shards.packets + shards.past_count + shards.filtered;
        if let Some(kernel) = kernel {
            let mut parts = vec![
                ("filtered", kernel.filtered),
                ("sampled", kernel.sampled),
                ("cut", kernel.cut),
                ("ring full", kernel.ring_full),
                ("not copied", kernel.copy_failed),
            ];
            delivered = kernel.delivered;
            if let Some(sockets) = sockets {
                parts.push(("no socket", kernel.no_socket));
                parts.push(("to sockets", kernel.delivered));
                delivered = sockets.delivered;
            } else {
                parts.push(("delivered", kernel.delivered));
            }
            checks.push(Check {
                whole: ("seen", kernel.packets),
                parts,
            });
            if let Some(sockets) = sockets {
                checks.push(Check {
                    whole: ("to sockets", kernel.delivered),
                    parts: vec![
                        ("fill ring empty", sockets.fill_empty),
                        ("rx ring full", sockets.rx_full),
                        ("refused", sockets.dropped),
                        ("worker behind", sockets.behind),
                        ("delivered", sockets.delivered),
                    ],
                });
            }
        }
        let mut parts = Vec::new();
        if kernel.is_none() {
            parts.push(("filtered", shards.filtered));
        }
        parts.extend([
            ("tracked", shards.tracked),
            ("not IP", shards.not_ip),
            ("cut by snaplen", shards.snapped),
            ("malformed", shards.malformed),
        ]);
        if shards.past_count > 0 {
            parts.push(("past --count", shards.past_count));
        }
        checks.push(Check {
            whole: (
                if kernel.is_some() {
                    "delivered"
                } else {
                    "read"
                },
                delivered,
            ),
            parts,
        });
        if let Some(packets) = packets {
            checks.push(written("packets to write", shards.packets, packets));
        }
        if let Some(printed) = printed {
            checks.push(Check {
                whole: ("packets to print", shards.packets),
                parts: vec![
                    ("printer", printed.written),
                    ("printer too slow", printed.overflowed),
                    ("printer gone", printed.failed),
                ],
            });
        }
        if let Some(records) = records {
            checks.push(written("records to write", shards.records, records));
        }
        checks
    }

    /// Whether all of it adds up.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks().iter().all(Check::holds)
    }

    /// Packets that were lost: not those that nobody wanted, nor those that were not printed but are in
    /// a file.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let kernel = self.kernel.map_or(0, |kernel| {
            kernel.ring_full + kernel.copy_failed + kernel.no_socket
        });
        kernel
            + self.sockets.map_or(0, |sockets| sockets.lost())
            + self
                .packets
                .or(self.printed)
                .map_or(0, |packets| packets.overflowed + packets.failed)
    }

    /// The ledger as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let checks: Vec<_> = self
            .checks()
            .iter()
            .map(|check| {
                let parts: serde_json::Map<_, _> =
                    check.parts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
                serde_json::json!({ check.whole.0: check.whole.1, "parts": parts, "holds": check.holds() })
            })
            .collect();
        serde_json::json!({ "type": "ledger", "holds": self.holds(), "lost": self.lost(), "stages": checks })
    }
}

fn written(what: &'static str, whole: u64, parts: &Written) -> Check {
    let Written {
        written,
        overflowed,
        failed,
        skipped,
    } = *parts;
    let mut parts = vec![
        ("written", written),
        ("disk too slow", overflowed),
        ("disk error", failed),
    ];
    // Nobody needs to read of it who asked for everything.
    if skipped > 0 {
        parts.push(("not asked for", skipped));
    }
    Check {
        whole: (what, whole),
        parts,
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |count: u64| grouped(count).len();
        let checks = self.checks();
        let widest = checks
            .iter()
            .flat_map(|check| {
                check
                    .parts
                    .iter()
                    .map(|(_, count)| *count)
                    .chain([check.whole.1])
            })
            .map(width)
            .max()
            .unwrap_or(1);
        for check in &checks {
            let verdict = if check.holds() {
                ""
            } else {
                "   DOES NOT ADD UP"
            };
            writeln!(
                f,
                "  {:<20}{:>widest$}{verdict}",
                check.whole.0,
                grouped(check.whole.1)
            )?;
            for (place, (name, count)) in check.parts.iter().enumerate() {
                let sign = if place == 0 { '=' } else { '+' };
                writeln!(f, "    {sign} {name:<16}{:>widest$}", grouped(*count))?;
            }
        }
        Ok(())
    }
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balanced() -> Ledger {
        Ledger {
            kernel: Some(HookCounters {
                packets: 100,
                filtered: 10,
                sampled: 5,
                cut: 15,
                ring_full: 7,
                copy_failed: 3,
                delivered: 60,
                ..HookCounters::ZERO
            }),
            sockets: None,
            shards: ShardTotals {
                packets: 58,
                tracked: 50,
                not_ip: 4,
                snapped: 1,
                malformed: 3,
                past_count: 2,
                records: 9,
                ..ShardTotals::default()
            },
            packets: Some(Written {
                written: 50,
                overflowed: 6,
                failed: 2,
                skipped: 0,
            }),
            printed: Some(Written {
                written: 51,
                overflowed: 4,
                failed: 3,
                skipped: 0,
            }),
            records: Some(Written {
                written: 7,
                overflowed: 0,
                failed: 0,
                skipped: 2,
            }),
        }
    }

    #[test]
    fn a_balanced_ledger_holds() {
        let ledger = balanced();
        assert!(ledger.holds(), "{ledger}");
        assert_eq!(ledger.lost(), 7 + 3 + 6 + 2);
    }

    #[test]
    fn what_was_not_printed_is_lost_unless_it_is_in_a_file() {
        let ledger = Ledger {
            packets: None,
            ..balanced()
        };
        assert_eq!(ledger.lost(), 7 + 3 + 4 + 3);
    }

    /// The same run through sockets, which lost some on the way.
    fn balanced_with_sockets() -> Ledger {
        let mut ledger = balanced();
        let kernel = ledger.kernel.as_mut().unwrap();
        kernel.packets += 4 + 15;
        kernel.no_socket = 4;
        kernel.delivered += 15;
        ledger.sockets = Some(XskTotals {
            fill_empty: 1,
            rx_full: 2,
            dropped: 4,
            behind: 8,
            delivered: 60,
        });
        ledger
    }

    #[test]
    fn each_loss_at_a_socket_has_its_row() {
        type Row = fn(&mut XskTotals) -> &mut u64;
        let ledger = balanced_with_sockets();
        assert!(ledger.holds(), "{ledger}");
        assert_eq!(ledger.lost(), balanced().lost() + 4 + 15);
        let rows: [(&str, Row); 5] = [
            ("fill ring empty", |sockets| &mut sockets.fill_empty),
            ("rx ring full", |sockets| &mut sockets.rx_full),
            ("refused", |sockets| &mut sockets.dropped),
            ("worker behind", |sockets| &mut sockets.behind),
            ("delivered", |sockets| &mut sockets.delivered),
        ];
        for (name, row) in rows {
            let mut ledger = balanced_with_sockets();
            *row(ledger.sockets.as_mut().unwrap()) += 1;
            assert!(!ledger.holds(), "one more in {name}");
        }
        let mut ledger = balanced_with_sockets();
        ledger.kernel.as_mut().unwrap().no_socket += 1;
        assert!(!ledger.holds(), "one more without a socket");
    }

    /// A test for each row: one packet more or less in any of them is noticed.
    #[test]
    fn every_row_matters() {
        type Row = fn(&mut Ledger) -> &mut u64;
        fn kernel(ledger: &mut Ledger) -> &mut HookCounters {
            ledger.kernel.as_mut().unwrap()
        }
        let rows: [(&str, Row); 23] = [
            ("seen", |l| &mut kernel(l).packets),
            ("filtered", |l| &mut kernel(l).filtered),
            ("sampled", |l| &mut kernel(l).sampled),
            ("cut", |l| &mut kernel(l).cut),
            ("ring full", |l| &mut kernel(l).ring_full),
            ("not copied", |l| &mut kernel(l).copy_failed),
            ("delivered", |l| &mut kernel(l).delivered),
            ("tracked", |l| &mut l.shards.tracked),
            ("not IP", |l| &mut l.shards.not_ip),
            ("cut by snaplen", |l| &mut l.shards.snapped),
            ("malformed", |l| &mut l.shards.malformed),
            ("past --count", |l| &mut l.shards.past_count),
            ("packets written", |l| {
                &mut l.packets.as_mut().unwrap().written
            }),
            ("packets overflowed", |l| {
                &mut l.packets.as_mut().unwrap().overflowed
            }),
            ("packets failed", |l| {
                &mut l.packets.as_mut().unwrap().failed
            }),
            ("packets printed", |l| {
                &mut l.printed.as_mut().unwrap().written
            }),
            ("printer too slow", |l| {
                &mut l.printed.as_mut().unwrap().overflowed
            }),
            ("printer gone", |l| &mut l.printed.as_mut().unwrap().failed),
            ("records made", |l| &mut l.shards.records),
            ("records written", |l| {
                &mut l.records.as_mut().unwrap().written
            }),
            ("records overflowed", |l| {
                &mut l.records.as_mut().unwrap().overflowed
            }),
            ("records failed", |l| {
                &mut l.records.as_mut().unwrap().failed
            }),
            ("records skipped", |l| {
                &mut l.records.as_mut().unwrap().skipped
            }),
        ];
        for (name, row) in rows {
            let mut ledger = balanced();
            *row(&mut ledger) += 1;
            assert!(!ledger.holds(), "one more in {name}");
            assert!(ledger.to_string().contains("DOES NOT ADD UP"), "{ledger}");
        }
    }

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
