//! The threads between the queues of `AF_XDP` sockets and the workers.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::limit::{Limit, Pause};
use super::{EngineError, affinity};
use crate::source::xsk::Receiver;

/// Starts the thread of a queue, on this CPU if one is named. It ends when the kernel gives nothing any
/// more and everything is handed over.
pub(super) fn spawn(
    receiver: Receiver,
    limit: Arc<Limit>,
    cpu: Option<usize>,
) -> Result<JoinHandle<()>, EngineError> {
    let id = receiver.queue().id().clone();
    std::thread::Builder::new()
        .name(format!("queue-{}", id.queue))
        .spawn(move || {
            if let Some(cpu) = cpu
                && let Err(error) = affinity::pin(cpu)
            {
                log::warn!("the reader of {id} stays unpinned: CPU {cpu}: {error}");
            }
            run(receiver, &limit);
        })
        .map_err(EngineError::Thread)
}

fn run(mut receiver: Receiver, limit: &Limit) {
    let mut pause = Pause::new();
    loop {
        // Asked before the queue is looked at: if it is empty then, it stays empty.
        let draining = limit.is_draining();
        let step = receiver.step();
        if step.packets > 0 {
            pause.reset();
        }
        if step.drained {
            if draining && step.packets == 0 {
                break;
            }
            if !receiver.is_busy_polling() {
                pause.sleep();
            }
        }
    }
}
