//! A packet capture engine for Linux servers: exact counters in the kernel, connection tracking
//! without locks, pcapng and connection records as fast as they come, live and on files.
//!
//! This page is the architecture document; `README.md` is for whoever uses the program.
//!
//! # What flows
//!
//! ```text
//!  kernel                          worker i  (one thread, one shard, nothing shared)
//! ┌──────────────────┐  ring i   ┌──────────────────────────────────────────────────┐
//! │ XDP   ingress    ├──────────►│ source ─► dissect ─► FlowTable ─► sinks (encode)  ├──► writer
//! │ TCX   egress     │ by        │  burst     Layers     own table,   own buffers    │    threads
//! │ count,filter,copy│ symmetric └──────────────────────────────────────────────────┘
//! └──────────────────┘ flow hash          ▲
//!  pcap / pcapng file ────────────────────┘   the same bursts, each shard reads its own
//! ```
//!
//! | value | owned by | where |
//! |---|---|---|
//! | `RingRecord`, then bytes | the kernel's ring, until the burst is released | `capture-common` |
//! | [`packet::Packet`] | borrowed for one call; bytes lie in the ring or in a file's block | [`packet`] |
//! | [`dissect::Layers`] | inline, one call; no heap, malformed is a value | [`dissect`] |
//! | a flow in its slot | the [`flow::FlowTable`] of one shard, never leaves it | [`flow`] |
//! | [`flow::FlowRecord`] | moved once, in batches, to whoever encodes it | [`sink::flows`] |
//! | encoded blocks | a recycled buffer, moved to the writer of packets | [`sink::pcapng`] |
//!
//! # Modules, in the order in which packets pass them
//!
//! - [`packet`] what all others speak of: a borrowed packet, times and spans, link types
//! - [`iface`] what the machine has; [`doctor`] what of it helps or hinders
//! - [`kernel`] loads and attaches the eBPF programs of `capture-ebpf`, reads their counters
//! - [`source`] lends bursts: [`source::ring`] and [`source::xsk`] live, [`source::file`] from files
//! - [`filter`] both languages: [`filter::capture`] of tcpdump, for the kernel and for files, and
//!   [`filter::display`] of Wireshark, on the fields of [`read`]
//! - [`dissect`] bytes to layers
//! - [`flow`] layers to flows and records; `tcp` what a segment says of its connection's health
//! - [`shard`] one worker: dissect, track, hand to the sinks
//! - [`sink`] what leaves a shard: [`sink::pcapng`], [`sink::flows`]
//! - [`engine`] builds a run from a plan, starts and stops it, keeps the ledger
//! - [`read`] packets as Wireshark shows them: `proto/` the dissectors of all fields, [`read::memory`]
//!   what is remembered between frames, [`read::print`] frames as text, [`read::statistics`] what is
//!   counted over all of them; [`export`] chosen ones into a new file; [`plot`] pictures of them
//! - [`generate`] makes traffic, to send or to write; [`measure`] what a machine takes of its own
//! - [`cli`] words typed, things built, text printed
//!
//! Beside them, `tcp` has the rules of Wireshark's TCP analysis, for records and for reading alike;
//! `prefetch` and `hugepages` ask the processor and the kernel for memory in advance; `mix` is what hashes are
//! made of.
//!
//! # Invariants
//!
//! - **Invariant:** the kernel steers by flow. Both directions of a connection, ingress and egress,
//!   whatever queue or CPU they arrive on, come through one ring, in order. So no map is shared, no
//!   lock is taken, and no network card with a symmetric hash is needed.
//! - **Invariant:** SYN, FIN, RST and byte counts are exact. They are counted in the kernel before
//!   anything is copied, filtered or lost.
//! - **Invariant:** every packet is in exactly one place of the [`engine::Ledger`], and every counter
//!   has one writer. Programs are detached and an RCU grace period is waited for before the rings are
//!   drained for the last time, so the ledger is not off by the packets of that moment.
//! - **Invariant:** nothing below [`source`] reads a clock. Every packet carries its timestamp and the
//!   source's largest one so far ([`packet::PacketMeta::clock`]); expiry runs on the latter, and
//!   whether a flow has expired is decided when its next packet comes, not when its timer was looked
//!   at. A file gives the same records on any number of workers. (Only eviction for lack of room
//!   depends on it: the room is shared out among the shards.)
//! - **Invariant:** no lock on the packet path, and nothing is allocated there in the steady state:
//!   tables are reserved at the start, buffers are recycled.
//! - **Invariant:** memory is bounded: rings by `--ring-size`, flows and their details by `--max-flows`
//!   and `--flow-memory`, packets on their
//!   way to the disk by `--write-buffer`, records by a bounded queue. What does not fit is counted.
//! - **Invariant:** everything that is attached is held by links. However this process ends, the kernel
//!   detaches.
//! - **Invariant:** a ring is released once a burst and never wakes anybody: the worker looks again
//!   after a pause of 0.1 to 1 ms.
//! - **Invariant:** bytes of packets are taken apart in `dissect/cursor.rs` and, to be shown, in
//!   `read/region.rs` only, and every read is checked.
//!
//! # Decisions
//!
//! **Interfaces come and go.** Each has a number that its ring records carry and that no other gets in
//! a run, because records can lie in a ring for longer than an interface lives; and a slot where the
//! kernel counts, which is given to another when all have been used, after a grace period, when nobody
//! counts there any more. Whoever reads packets of a number (workers, the writers of packets and of
//! records) is told of it before the kernel is. What netlink tells is a reason to list interfaces again
//! and compare, so that lost messages cost nothing.
//!
//! **Other namespaces.** Looking up and attaching happen in the namespace of the calling thread, so they
//! run on a thread that enters it and ends; links, maps and sockets stay what they are wherever they
//! are used.
//!
//! **Rings of our own.** They are arrays that userspace maps, laid out as `capture_common::ring` tells: a record
//! is reserved by one exchange, and handed over by the store of a number that nothing else in the ring has. To
//! reserve and submit a record in the kernel's own ring took 29 ns in test runs, half a dozen returns from functions.
//! Records are as long as they have to be, and behind the data is room for the largest one, a GSO super-frame, so
//! that none is split. Reports of what is cut come by the same rings, or by such rings alone where packets come by
//! sockets.
//!
//! **The length of a frame** at XDP is that of what can be read directly, unless a driver put a part of it into
//! fragments. The kernel has a flag for it that programs are not shown; since Linux 6.2 they may look
//! (`kernel/fragments.rs`), and spare themselves the helper, which took 8 ns of each packet.
//!
//! **Filters.** A capture filter is compiled to classic BPF, the machine at which files, the kernel and
//! libpcap meet, and translated to eBPF from there. The object has an empty function for it at each hook,
//! in a section of its own; its instructions are replaced in the file before the load. The function is
//! global, so the verifier checks it once, apart from the program that calls it.
//!
//! **Changes while it runs.** Filter and settings are constants to the programs, so a change loads other
//! programs, which share the maps of the old ones (handed over through a BPF file system that is mounted
//! nowhere), and has the links run them. The kernel swaps a link's program between two packets.
//!
//! **Cutting short.** `--cutoff` counts in the kernel what it does not copy, in totals that only grow:
//! they can be told late, twice or by two CPUs at once, and userspace takes the difference. A report
//! goes into the ring before the next packet of the flow that is copied, so the shard knows where the
//! stream is when an acknowledgment comes; without room for the report, the packet is lost as well, for
//! without it what was left out would seem to be missing. What was never told is read from the table when
//! the flow ends. Only segments that continue the stream are left out, so that losses and repeats are seen.
//! The table is ours and not an LRU map, which would forget its counts without a word.
//!
//! **Fragments.** Only the first one has ports. The kernel remembers its hash by datagram in a bounded
//! LRU map, so that the later ones choose the same ring; the shard remembers its ports likewise.
//!
//! **What the verifier forgets.** Optional headers multiply the paths that the verifier follows; the
//! programs store intermediate results in a map, where it forgets what it knows of them, and paths
//! meet again (`Veil` in `capture-ebpf/src/veil.rs`). Without it, loading took 16 s. Nearly every packet
//! is spared that: Ethernet, perhaps a tag, IP without options or extension headers, and a whole TCP
//! segment or UDP datagram lie at places known beforehand (`plain.rs`). All others, and whatever is rare,
//! go through functions that the verifier checks by themselves, and that leave the programs their
//! registers and their stack. Each call is worth sparing where the kernel guards returns against
//! speculation (Safe RET on Zen 3): in test runs, the time as of the last tick took 17 ns, the time 36. A packet
//! past its flow's cutoff, which is nearly every one of a bulk transfer, has a short way of its own in which none
//! is left (`glide.rs`).
//!
//! **Every record asks the clock.** It is the largest part of what copying a short packet takes. To share a
//! time among packets, a program would have to know that none has passed, and nothing tells it: the coarse
//! clock moves every few milliseconds, and the kernel's count of softirqs stands still where NAPI has a thread
//! of its own or a socket polls. Records of several packets, gathered on each CPU, would spare the ring's part;
//! they would have to be put back in order between CPUs, and sent off by a timer when nothing follows.
//!
//! **One tracker.** What Zeek's `conn.log` says of a connection, what Wireshark's analysis says of its
//! segments, and the states of RFC 9293 come out of one place, `flow/tcp/`: each by the rules of its
//! own source, side by side, on the same segments. Where the sources disagree (what is a
//! retransmission, what is a reuse of ports), so do the fields, and each is named after its source.
//!
//! **192 bytes.** Ten million connections are to fit into 2 GiB, so a slot is three cache lines. Almost
//! all that the tracker knows of a plain connection follows from the rest (what was sent was delivered,
//! what was acknowledged is known), so a slot leaves it out. A segment is worked on unpacked; if packing
//! would lose something, the connection gets a *detail*, the whole state in a bounded store aside. So
//! the rules exist once, in their simple form, and memory follows the trouble that there is. Segments
//! that change nothing but numbers, which most are, are taken in the packed form; a property test holds
//! both ways against each other.
//!
//! **Zeek's timeouts.** Defaults are Zeek's, because records are compared with its; conntrack's are
//! longer and meant for translating addresses. Whether a flow has ended never depends on when its timer
//! was looked at.
//!
//! **Two tables a shard**, IPv4 and IPv6, so that an IPv4 flow does not pay for the addresses of the
//! other. An index of 8 bytes an entry, fixed in size, leads to slots that never move; a burst is
//! looked up in five passes (hash, prefetch the index, the slot, what is kept beside it, work). A slot of IPv4 is
//! three whole cache lines.
//!
//! **Timers.** A wheel with one bucket a second that no packet touches: a flow that was seen since is
//! moved when its bucket comes up. Flows that would be evicted first (embryonic, closed, unanswered)
//! have a wheel of their own, and the earliest bucket names the victim.
//!
//! **Time order in one file.** Workers promise how far they are (a watermark); the writer merges up to
//! the smallest. One worker's buffers in order are written as they are, without a copy.
//!
//! **AF_XDP: a header in front, a router behind.** A socket belongs to a queue, so here, and only here,
//! packets cross threads on their way to their shard: as descriptors, over bounded rings with one
//! producer and one consumer. The program puts the header of a ring record in front of the frame,
//! in-band, because not every driver has a metadata area and descriptors do not tell. A shard may hold
//! half of a queue's frames, so that a slow one does not starve the others. Packets of several queues
//! are merged by time, each waiting at most a millisecond for older ones. What `--cutoff` tells comes by
//! rings all the same, since the report of a flow that makes room for another is for the shard of the first,
//! and must not get lost with a frame; a report finds its place by time (`source/ring/reports.rs`).
//!
//! **Who encodes records.** Live, the thread that writes them: a shard has a ring to empty. Of a file, each
//! shard encodes its own, in pieces that the other thread only puts after one another: most flows of a
//! short capture end with it, and then all CPUs have the same to do. A record never leaves the caches of
//! the core that made it.
//!
//! **Each shard reads a file for itself**, and takes the packets of its flows. To hop over a packet and to
//! hash its ports costs less than to tell another thread where it lies: what one core has written, another
//! has to wait for. So nothing crosses threads, and each core works on what is in its own caches. Shards
//! that take turns at reading, for all, execute a fourteenth less and take a quarter more time. One
//! thread reads for all where there is no other way, which is said in `engine/files/mod.rs`.
//!
//! **What several shards read is mapped**, in pieces that are given back when all are past them: with the
//! kernel's copies, one for each shard, files took a twelfth longer. A file that is cut short meanwhile is an
//! error all the same: `source/file/torn.rs` takes the signal. What one thread reads for all is copied; there
//! the copy costs what the page faults would.
//!
//! **The straight line.** Most packets are whole TCP segments in plain IPv4 in Ethernet, and most of
//! these change nothing but numbers. Both have a path of their own, in `dissect/plain.rs` and
//! `flow/packed/plain.rs`, that gives up at the first thing out of the ordinary, and a property test that
//! holds it against the rules in full.
//!
//! # Glossary
//!
//! One word for one idea: *packet* (bytes and what is known of them), *segment* (TCP packet), *flow*
//! (5-tuple, both directions), *record* (of a flow; the kernel's are *ring records*), *source*, *shard*,
//! *sink*, *burst* (one poll), *batch* (what crosses threads), *drop* (lost, counted), *skip* (not
//! wanted, counted), `src`/`dst` of a packet, `initiator`/`responder` of a flow, `Forward`/`Reverse` of
//! a packet in a flow (by the order of the endpoints in its key, whoever began).

pub mod cli;
pub mod dissect;
pub mod doctor;
pub mod engine;
pub mod export;
pub mod filter;
pub mod flow;
pub mod generate;
mod hugepages;
pub mod iface;
pub mod kernel;
pub mod measure;
mod mix;
pub mod packet;
pub mod plot;
mod prefetch;
pub mod read;
pub mod shard;
pub mod sink;
pub mod source;
mod tcp;
