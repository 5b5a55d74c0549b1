//! Whether the programs hear when a driver's poll is over, so that frames of one poll can share a reading of the
//! clock.

use aya::Ebpf;
use aya::programs::RawTracePoint;
use capture_common::Hook;

use super::attach::{Attachment, Delivery, Disposition, Plan, TimeStampType, Unmatched};
use super::error::AttachError;
use super::programs::program;
use crate::iface;

const PROGRAM: &str = "capture_polled";
/// Passed by the kernel whenever a driver has been asked for what came (`include/trace/events/napi.h`).
const TRACEPOINT: &str = "napi_poll";

/// Whether they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polls {
    /// Frames of a poll share readings.
    Heard,
    /// Each frame has its own.
    Unheard,
}

impl Polls {
    /// What a plan allows. Between two frames that share a reading, nothing else is to run that takes its time or
    /// has a time of its own: no other packet sent by the stack, no report of a flow that is put in order with
    /// packets by time.
    pub(super) fn of(plan: &Plan) -> Self {
        let alone = plan.disposition == Disposition::Tap && plan.unmatched == Unmatched::Consume;
        let reports =
            plan.thinning.cutoff.is_some() && matches!(plan.delivery, Delivery::Sockets(_));
        let shared = plan.time_stamps == TimeStampType::Host
            && alone
            && !reports
            && !plan.selection.is_open()
            && plan.ifaces.iter().all(is_polled);
        if shared { Self::Heard } else { Self::Unheard }
    }

    /// Has the programs hear of it, for as long as they are there.
    pub(super) fn listen(ebpf: &mut Ebpf) -> Result<(), AttachError> {
        let failed = |e: &aya::programs::ProgramError| AttachError::kernel("hearing of polls", e);
        let polled: &mut RawTracePoint = program(ebpf, PROGRAM)?;
        polled.load().map_err(|e| failed(&e))?;
        polled.attach(TRACEPOINT).map_err(|e| failed(&e))?;
        Ok(())
    }
}

/// Whether frames come to XDP by polls: those of a tun or tap device come as a process writes them.
fn is_polled(attachment: &Attachment) -> bool {
    attachment.ingress.hook() == Hook::XdpIngress
        && iface::driver(&attachment.interface.name).is_none_or(|driver| driver != "tun")
}
