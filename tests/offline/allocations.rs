//! The steady state allocates nothing: counted by the allocator itself, in a program of its own.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

#[cfg(test)]
#[expect(dead_code, reason = "the other suite writes the frames to files")]
mod fixture;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts for each thread how often it is asked for memory.
struct Counting;

// SAFETY: hands everything on to the system's allocator; counting touches no allocated memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use capture::dissect::Dissector;
    use capture::flow::{FlowTable, Limits, Timeouts};
    use capture::packet::{FrameNo, Iface, LinkType, Packet, PacketMeta, Timestamp};
    use capture::shard::{Shard, ShardCounters};
    use capture::sink::pcapng::{
        Existing, IfaceDescription, Overflow, PacketFile, PacketFileOptions, Section,
    };

    use super::COUNT;
    use super::fixture::{Frame, connections};

    /// Runs the packets through the shard in bursts, so many nanoseconds apart.
    fn feed(shard: &mut Shard, frames: &[Frame], start: u64) {
        let mut at = start;
        for frames in frames.chunks(32) {
            let mut burst = [Packet::EMPTY; 32];
            for (packet, (_, data)) in burst.iter_mut().zip(frames) {
                at += 1000;
                let meta = PacketMeta {
                    frame: FrameNo(at),
                    ts: Timestamp(at),
                    clock: Timestamp(at),
                    wire_len: data.len() as u32,
                    link: LinkType::ETHERNET,
                    ..Packet::EMPTY.meta
                };
                *packet = Packet { meta, data };
            }
            shard.on_burst(&burst[..frames.len()]);
            shard.on_tick(Timestamp(at));
        }
    }

    /// Allocations of this thread while 10,000 packets of known flows pass.
    fn steady(shard: &mut Shard) -> u64 {
        // Datagrams only: their flows stay as they are.
        let frames: Vec<_> = connections(500)
            .into_iter()
            .filter(|(_, data)| data[23] == 17)
            .collect();
        let packets = frames.len() as u64 * 1000;
        let start = 1_700_000_000_000_000_000;
        let mut rounds = 0;
        let mut round = |shard: &mut Shard| {
            feed(shard, &frames, start + rounds * packets);
            rounds += 1;
        };
        // Buffers are made as they are needed for the first time.
        for _ in 0..20 {
            round(shard);
        }
        let before = COUNT.get();
        for _ in 0..20 {
            round(shard);
        }
        COUNT.get() - before
    }

    fn table() -> FlowTable {
        FlowTable::new(Limits::flows(10_000), Timeouts::default(), 7)
    }

    #[test]
    fn the_allocator_counts() {
        let before = COUNT.get();
        drop(std::hint::black_box(Box::new(1)));
        assert_eq!(COUNT.get() - before, 1);
    }

    #[test]
    fn packets_of_known_flows_allocate_nothing() {
        let counters = Arc::new(ShardCounters::default());
        let mut shard = Shard::new(
            Dissector::default(),
            table(),
            None,
            None,
            Arc::clone(&counters),
        );
        assert_eq!(steady(&mut shard), 0);
        assert_eq!(counters.read().tracked, 40 * 500);
        assert_eq!(counters.read().records, 0);
    }

    #[test]
    fn packets_on_their_way_to_a_file_allocate_no_more_than_their_buffers() {
        // The smallest pool: a buffer is made when all others are on their way, perhaps late.
        const BUFFERS: u64 = 4;
        const BUFFER_BYTES: usize = 16 << 10;
        let options = PacketFileOptions {
            path: PathBuf::from("/dev/null"),
            existing: Existing::Overwrite,
            rotation: None,
            overflow: Overflow::Block,
            pool_bytes: BUFFERS as usize * BUFFER_BYTES,
            section: Section::default(),
            ifaces: vec![IfaceDescription {
                iface: Iface {
                    name: "eth0".to_owned(),
                    description: String::new(),
                    link: LinkType::ETHERNET,
                    snap_len: 0,
                    decimals: 9,
                },
                filter: None,
                comment: String::new(),
                mac: None,
                os: String::new(),
            }],
        };
        let (file, mut sinks) = PacketFile::create(&options, 1).unwrap();
        let counters = Arc::new(ShardCounters::default());
        let mut shard = Shard::new(
            Dissector::default(),
            table(),
            None,
            sinks.pop(),
            Arc::clone(&counters),
        );
        // A buffer holds some two hundred of the 10,000 packets.
        assert!(steady(&mut shard) <= BUFFERS);
        shard.finish();
        assert_eq!(file.finish(vec![]).written, 40 * 500);
    }
}
