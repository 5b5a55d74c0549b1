//! The other end of the wire: a program that counts and drops, and one that lets pass.

use aya::Ebpf;
use aya::maps::PerCpuArray;
use aya::programs::Xdp;
use aya::programs::xdp::XdpMode;
use capture_common::generator::SinkCounters;

use super::GenerateError;

/// Counts and drops all that arrives at an interface, until it is dropped itself. What it takes is the
/// ceiling for any receiver.
#[derive(Debug)]
pub struct Sink {
    object: Ebpf,
    program_id: u32,
}

impl Sink {
    /// Attaches to an interface of the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// No such interface, another program on it, or a kernel that refuses.
    pub fn attach(object: &[u8], ifname: &str) -> Result<Self, GenerateError> {
        let (object, program_id) = attach(object, "sink_count_drop", ifname)?;
        Ok(Self { object, program_id })
    }

    /// What arrived so far, on all CPUs.
    ///
    /// # Errors
    ///
    /// The kernel refuses to read the map.
    pub fn counters(&self) -> Result<SinkCounters, GenerateError> {
        let reading = |error| GenerateError::kernel("read the counters of the sink", &error);
        let map = self.object.map("SINK");
        let map = map.ok_or_else(|| GenerateError::missing("SINK"))?;
        let counters: PerCpuArray<_, SinkCounters> = PerCpuArray::try_from(map).map_err(reading)?;
        let mut sum = SinkCounters::default();
        for of_cpu in counters.get(&0, 0).map_err(reading)?.iter() {
            sum.frames += of_cpu.frames;
            sum.bytes += of_cpu.bytes;
        }
        Ok(sum)
    }

    /// The kernel's number of the program.
    pub fn program_id(&self) -> u32 {
        self.program_id
    }
}

/// Lets pass all that arrives at an interface, until it is dropped itself. Without a program (or GRO)
/// at that end, a veth refuses the generator's frames.
#[derive(Debug)]
pub struct Pass {
    _object: Ebpf,
}

impl Pass {
    /// Attaches to an interface of the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// No such interface, another program on it, or a kernel that refuses.
    pub fn attach(object: &[u8], ifname: &str) -> Result<Self, GenerateError> {
        let (object, _) = attach(object, "pass", ifname)?;
        Ok(Self { _object: object })
    }
}

/// Loads one program of the object and attaches it in the driver.
fn attach(object: &[u8], name: &str, ifname: &str) -> Result<(Ebpf, u32), GenerateError> {
    let mut object = Ebpf::load(object).map_err(|error| GenerateError::loading(&error))?;
    let program = program(&mut object, name)?;
    program
        .load()
        .map_err(|error| GenerateError::refused(name, &error))?;
    let attaching = |error| GenerateError::kernel(&format!("attach {name} to {ifname}"), &error);
    program.attach(ifname, XdpMode::Driver).map_err(attaching)?;
    let program_id = program.info().map_err(attaching)?.id();
    Ok((object, program_id))
}

/// A program of the object.
pub(super) fn program<'a>(object: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp, GenerateError> {
    let program = object.program_mut(name);
    let program = program.ok_or_else(|| GenerateError::missing(name))?;
    program
        .try_into()
        .map_err(|error| GenerateError::kernel("open a program", &error))
}
