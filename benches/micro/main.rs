//! Microbenchmarks: what each part of the engine takes for a packet, by the clock.
//!
//! `cargo bench --package capture-benches [-- NAME]`. The same workloads are counted in instructions by
//! `cargo xtask bench --check`, which is what a change is held against: times wander, instructions hardly.

mod traffic;
mod workloads;

use criterion::{Criterion, Throughput};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for workload in workloads::ALL {
        let mut group = criterion.benchmark_group(workload.name);
        let mut round = (workload.prepare)().expect("a workload needs nothing but memory");
        group.throughput(Throughput::Elements(round.packets));
        group.bench_function("packets", |bencher| bencher.iter(&mut round.run));
        group.finish();
    }
    criterion.final_summary();
}
