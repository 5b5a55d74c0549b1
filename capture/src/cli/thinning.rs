//! What can be typed of how much is copied: which packets, and what of each.

use capture_common::HookCounters;

use super::units::{bytes, one_in};
use crate::cli::misuse::misuse;
use crate::engine::grouped;
use crate::flow::Sampling;
use crate::kernel::{Control, Cutoff, Extent, Thinning};
use crate::shard::ShardTotals;

/// How much of the traffic is copied. All of it is counted in any case.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is copied (counters stay exact)")]
pub(super) struct ThinningArgs {
    /// Copy at most this many bytes of each packet; 0 is as much as there is.
    #[arg(short, long, alias = "snapshot-length", value_name = "BYTES", value_parser = bytes, default_value = "0")]
    snaplen: u64,

    /// Copy packets up to the end of the transport header, TCP options included, however long it is.
    /// Of tunnels that is the outermost one; frames that are not IP are copied whole.
    #[arg(long)]
    headers_only: bool,

    /// Copy the first bytes of payload of each connection each way, and count what follows in the kernel:
    /// records have all packets and bytes, and how many of them were captured. Segments without payload,
    /// with SYN, FIN or RST, out of order or sent again still come, and one of each second, without
    /// their payload. Fragments and what travels in tunnels are not cut.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    cutoff: Option<u64>,

    /// Connections with payload that can be cut short at once, about 200 bytes of kernel memory each; when
    /// one more comes, the one that was silent longest has to start over.
    #[arg(long, value_name = "N", default_value = "131072", requires = "cutoff", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    cutoff_flows: u32,

    #[command(flatten)]
    sampling: SamplingArgs,
}

/// Which packets are copied.
#[derive(Debug, clap::Args)]
pub(super) struct SamplingArgs {
    /// Copy one packet of so many, chosen by chance (1/100, 100 and 1% say the same). Segments with SYN,
    /// FIN or RST are kept unless --no-keep-control says otherwise.
    #[arg(long, value_name = "1/N", value_parser = one_in, default_value = "1", hide_default_value = true)]
    sample: u32,

    /// Copy one connection of so many, from its first packet on and both directions. Nothing of the others
    /// is seen, but for the counters; with --keep-control, their SYNs, FINs and RSTs are.
    #[arg(long, value_name = "1/N", value_parser = one_in, default_value = "1", hide_default_value = true)]
    sample_flows: u32,

    /// Keep segments with SYN, FIN or RST whatever sampling says, so that records know how connections
    /// began and ended [default: true with --sample].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_control: Option<bool>,

    /// The same as --keep-control=false.
    #[arg(long, conflicts_with = "keep_control")]
    no_keep_control: bool,
}

impl SamplingArgs {
    /// What was asked for.
    pub(super) fn sampling(&self) -> anyhow::Result<(Sampling, Control)> {
        let sampling = Sampling {
            packets: self.sample,
            flows: self.sample_flows,
        };
        let keep = if self.no_keep_control {
            Some(false)
        } else {
            self.keep_control
        };
        if keep.is_some() && sampling == Sampling::ALL {
            misuse!("--keep-control says what --sample and --sample-flows keep; use it with them");
        }
        let control = match keep {
            Some(true) if sampling.flows > 1 => Control::KeptOfAll,
            None | Some(true) if sampling.packets > 1 => Control::Kept,
            _ => Control::Sampled,
        };
        Ok((sampling, control))
    }
}

impl ThinningArgs {
    /// What was asked for.
    pub(super) fn thinning(&self) -> anyhow::Result<Thinning> {
        let (sampling, control) = self.sampling.sampling()?;
        Ok(Thinning {
            snap_len: match u32::try_from(self.snaplen).unwrap_or(u32::MAX) {
                0 => capture_common::MAX_CAP_LEN,
                snap_len => snap_len.min(capture_common::MAX_CAP_LEN),
            },
            extent: if self.headers_only {
                Extent::Headers
            } else {
                Extent::Whole
            },
            sampling,
            control,
            cutoff: self.cutoff.map(|bytes| Cutoff {
                bytes,
                flows: self.cutoff_flows,
            }),
        })
    }
}

/// What is to be said of connections that were cut short and of which records do not tell all.
pub(super) fn notes(kernel: &HookCounters, shards: &ShardTotals) -> Vec<String> {
    let mut notes = Vec::new();
    if kernel.cut_evicted > 0 {
        notes.push(format!(
            "{} connections past their cutoff made room for others, and begin anew with their next payload \
             (--cutoff-flows); their records are whole",
            grouped(kernel.cut_evicted)
        ));
    }
    if kernel.cut_unfollowed > 0 {
        notes.push(format!(
            "{} packets were copied whole because their connection had no place to be counted in, or another \
             CPU had it",
            grouped(kernel.cut_unfollowed)
        ));
    }
    let unrecorded = kernel.cut.saturating_sub(shards.cut);
    if unrecorded > 0 {
        notes.push(format!(
            "{} packets past their connection's cutoff are in no record: the connection had ended, or whatever would \
             have told of them was lost",
            grouped(unrecorded)
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(flatten)]
        thinning: ThinningArgs,
    }

    fn control(words: &[&str]) -> anyhow::Result<Control> {
        let words = ["capture"].iter().chain(words);
        Ok(Typed::try_parse_from(words)?.thinning.thinning()?.control)
    }

    #[test]
    fn control_segments_are_kept_when_packets_are_sampled() {
        for (words, expected) in [
            (&[][..], Control::Sampled),
            (&["--sample", "1/10"], Control::Kept),
            (&["--sample", "1/10", "--keep-control"], Control::Kept),
            (&["--sample", "1/10", "--no-keep-control"], Control::Sampled),
            (
                &["--sample", "1/10", "--keep-control=false"],
                Control::Sampled,
            ),
            (&["--sample-flows", "1%"], Control::Sampled),
            (
                &["--sample-flows", "1%", "--keep-control"],
                Control::KeptOfAll,
            ),
            (&["--sample-flows", "1%", "--sample", "2"], Control::Kept),
        ] {
            assert_eq!(
                control(words).expect("they go together"),
                expected,
                "{words:?}"
            );
        }
        for words in [
            &["--keep-control"][..],
            &["--no-keep-control"],
            &["--sample", "2", "--keep-control", "--no-keep-control"],
            &["--cutoff-flows", "5"],
        ] {
            assert!(control(words).is_err(), "{words:?}");
        }
    }
}
