//! Who keeps an XDP program attached: it goes away with the last descriptor of its link, so the one
//! to talk to is the process that has it open.

use std::fs;

use aya::programs::links::LinkType;
use aya::programs::loaded_links;

use super::super::procfs;
use crate::iface::XdpAttached;

/// Who keeps a program attached, as far as it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A process holds the link.
    Process {
        pid: u32,
        command: String,
        link: u32,
    },
    /// A link that is pinned, or whose process cannot be seen.
    Link { link: u32 },
    /// One of several links of the same program, on other interfaces too.
    SomeLink,
    /// There is no link: it stays until it is taken off.
    Nobody,
}

/// Looks through the descriptors of all processes for the link of a program to an interface.
pub(super) fn holder(program: &XdpAttached, index: u32) -> Holder {
    let links: Vec<u32> = loaded_links()
        .filter_map(Result::ok)
        .filter(|link| link.program_id() == program.program_id)
        .filter(|link| matches!(link.link_type(), Ok(LinkType::Xdp)))
        .map(|link| link.id())
        .collect();
    if links.is_empty() {
        return Holder::Nobody;
    }
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let process = processes.filter_map(Result::ok).find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let files = fs::read_dir(process.path().join("fdinfo")).ok()?;
        let link = files.filter_map(Result::ok).find_map(|file| {
            let text = fs::read_to_string(file.path()).ok()?;
            held_link(&text, index).filter(|link| links.contains(link))
        })?;
        let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        let command = command.trim().to_owned();
        Some(Holder::Process { pid, command, link })
    });
    process.unwrap_or(match links[..] {
        [link] => Holder::Link { link },
        _ => Holder::SomeLink,
    })
}

/// The number of the link that a descriptor stands for, if it is one to this interface.
fn held_link(fdinfo: &str, index: u32) -> Option<u32> {
    let number = |name| procfs::field(fdinfo, name)?.parse().ok();
    number("link_id").filter(|_| number("ifindex") == Some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_the_interface_count() {
        // As the kernel prints it for an XDP link (`bpf_link_show_fdinfo` and its own).
        let fdinfo = "pos:\t0\nflags:\t02000000\nmnt_id:\t16\nino:\t2063\nlink_type:\txdp\n\
                      link_id:\t89\nprog_tag:\t3b185187f1855c4c\nprog_id:\t134\nifindex:\t3\n";
        assert_eq!(held_link(fdinfo, 3), Some(89));
        assert_eq!(held_link(fdinfo, 4), None);
        assert_eq!(held_link("pos:\t0\nprog_id:\t134\n", 3), None);
    }
}
