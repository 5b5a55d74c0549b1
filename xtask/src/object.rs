//! Takes the debug sections out of an eBPF object and leaves BTF in: the kernel and the loader want
//! BTF, nobody wants four megabytes of DWARF in a repository. Done here and not by `llvm-objcopy`,
//! because the bytes must not depend on which one a machine has.

use anyhow::{Context as _, Result};
use object::build::elf::{Builder, SectionData};
use object::elf::SHT_STRTAB;
use object::{Object as _, ObjectSection as _};

use crate::btf::Types;

/// The object without `.debug_*` and the relocations of those sections.
pub(crate) fn strip_debug(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(bytes).context("reading the object that the linker made")?;
    let mut gone = Vec::new();
    for section in &mut builder.sections {
        let name = section.name.to_string();
        if name.starts_with(".debug_") || name.starts_with(".rel.debug_") {
            section.delete = true;
            gone.push(section.id());
        }
    }
    for symbol in &mut builder.symbols {
        if symbol
            .section
            .is_some_and(|section| gone.contains(&section))
        {
            symbol.delete = true;
        }
    }
    // Relocations of BTF against what is gone: none exist, but a dangling one must not be written.
    for section in &builder.sections {
        if let SectionData::Relocation(relocations) = &section.data
            && !section.delete
        {
            for relocation in relocations {
                let symbol = relocation.symbol.map(|id| builder.symbols.get(id));
                anyhow::ensure!(
                    symbol.is_none_or(|symbol| !symbol.delete),
                    "section {} refers to debug information",
                    section.name
                );
            }
        }
    }
    // LLVM keeps names of sections and of symbols in one table; the writer wants them apart.
    if !builder
        .sections
        .iter()
        .any(|section| matches!(section.data, SectionData::SectionString))
    {
        let names = builder.sections.add();
        names.name = ".shstrtab".into();
        names.sh_type = SHT_STRTAB;
        names.sh_addralign = 1;
        names.data = SectionData::SectionString;
    }
    builder.delete_orphans();
    builder.delete_unused_versions();
    let mut stripped = Vec::new();
    builder
        .write(&mut stripped)
        .context("writing the stripped object")?;
    Ok(stripped)
}

/// Whether two objects differ at most in the order of types in their BTF: LLVM keeps those that were only
/// declared in a map by their address in its memory, which each run has elsewhere.
pub(crate) fn same_but_for_order_of_types(one: &[u8], other: &[u8]) -> Result<bool> {
    let sections = |bytes| -> Result<Vec<(String, Vec<u8>)>> {
        let file = object::File::parse(bytes).context("reading an eBPF object")?;
        file.sections()
            .map(|section| Ok((section.name()?.to_owned(), section.data()?.to_vec())))
            .collect()
    };
    let (one, other) = (sections(one)?, sections(other)?);
    if one.len() != other.len() {
        return Ok(false);
    }
    for ((name, data), (other_name, other_data)) in one.iter().zip(&other) {
        let same = name == other_name
            && (data == other_data
                || name == ".BTF" && Types::read(data)? == Types::read(other_data)?);
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}
