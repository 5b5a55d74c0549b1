//! Every map, with who writes and who reads it.

use aya_ebpf::Global;
use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::btf_maps::{Array, HashMap, LruHashMap, PerCpuArray, XskMap};
use aya_ebpf::macros::btf_map;
use capture_common::{
    CutSet, FragmentKey, HookCounters, IfaceEntry, MAX_IFACES, MAX_QUEUES, Settings, ring,
};

/// Patched in by userspace before the load, so the verifier sees constants.
#[unsafe(no_mangle)]
pub(crate) static SETTINGS: Global<Settings> = Global::new(Settings::UNPATCHED);

/// Datagrams whose fragments are followed at once; 40 + 4 bytes each.
const MAX_FRAGMENTED_DATAGRAMS: usize = 8192;

/// The rings, one for each worker; userspace makes as many as it wants, and writes their length over this one
/// before the load ([`ring::element_len`]). Written here, but for the consumers' positions, read by the workers.
#[btf_map]
pub(crate) static RINGS: Array<[u8; ring::TEMPLATE_LEN], 1, { BPF_F_MMAPABLE as usize }> =
    Array::new();

/// `AF_XDP` sockets by interface slot and receive queue ([`capture_common::socket_index`]). Written by
/// userspace, which makes it as large as it needs it.
#[btf_map]
pub(crate) static SOCKETS: XskMap<{ MAX_IFACES * MAX_QUEUES }> = XskMap::new();

/// Counters by interface and hook, one copy per CPU. Written here, read by userspace.
#[btf_map]
pub(crate) static COUNTERS: PerCpuArray<HookCounters, { HookCounters::ENTRIES }> =
    PerCpuArray::new();

/// Interfaces by the kernel's index, used when there are several. Written by userspace.
#[btf_map]
pub(crate) static IFACES: HashMap<u32, IfaceEntry, MAX_IFACES> = HashMap::new();

/// Flow hash of fragmented datagrams, which only the first fragment can tell. Written and read here.
#[btf_map]
pub(crate) static FRAGMENTS: LruHashMap<FragmentKey, u32, MAX_FRAGMENTED_DATAGRAMS> =
    LruHashMap::new();

/// Flows that are cut short; userspace makes it as large as it is wanted. Written here, read by the
/// workers. Nobody maps it: what can be mapped starts at a page, so that a lock lies in one cache line with its
/// keys, and each direction of a flow in one of its own.
#[btf_map]
pub(crate) static CUTS: Array<CutSet, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

/// What the clock said last. Used here only.
#[btf_map]
pub(crate) static READING: PerCpuArray<crate::clock::Reading, 1> = PerCpuArray::new();

/// What one packet needs beside the stack. Used here only.
#[btf_map]
pub(crate) static SCRATCH: PerCpuArray<crate::veil::Scratch, 1> = PerCpuArray::new();
