//! Syslog (RFC 3164, RFC 5424), as Wireshark's `packet-syslog.c` shows it in the list.

use super::names::pick;
use super::text::Escaped;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    63, "syslog", "Syslog", "Syslog message";
    FACILITY: "syslog.facility", "Facility", Uint(8), Dec, mask = 0xf8, names = facility_name;
    LEVEL: "syslog.level", "Level", Uint(8), Dec, mask = 0x07, names = level_name;
    MESSAGE: "syslog.msg", "Message", String;
}

/// Port of syslog, over UDP.
pub(crate) const PORT: u16 = 514;

const FACILITIES: [(&str, &str); 24] = [
    ("KERN", "KERN - kernel messages"),
    ("USER", "USER - random user-level messages"),
    ("MAIL", "MAIL - mail system"),
    ("DAEMON", "DAEMON - system daemons"),
    ("AUTH", "AUTH - security/authorization messages"),
    (
        "SYSLOG",
        "SYSLOG - messages generated internally by syslogd",
    ),
    ("LPR", "LPR - line printer subsystem"),
    ("NEWS", "NEWS - network news subsystem"),
    ("UUCP", "UUCP - UUCP subsystem"),
    ("CRON", "CRON - clock daemon (BSD, Linux)"),
    (
        "AUTHPRIV",
        "AUTHPRIV - security/authorization messages (private)",
    ),
    ("FTP", "FTP - ftp daemon"),
    ("NTP", "NTP - ntp subsystem"),
    ("LOGAUDIT", "LOGAUDIT - log audit"),
    ("LOGALERT", "LOGALERT - log alert"),
    ("CRON", "CRON - clock daemon (Solaris)"),
    ("LOCAL0", "LOCAL0 - reserved for local use"),
    ("LOCAL1", "LOCAL1 - reserved for local use"),
    ("LOCAL2", "LOCAL2 - reserved for local use"),
    ("LOCAL3", "LOCAL3 - reserved for local use"),
    ("LOCAL4", "LOCAL4 - reserved for local use"),
    ("LOCAL5", "LOCAL5 - reserved for local use"),
    ("LOCAL6", "LOCAL6 - reserved for local use"),
    ("LOCAL7", "LOCAL7 - reserved for local use"),
];

fn facility_name(value: u64) -> Option<&'static str> {
    let place = usize::try_from(value).ok()?;
    FACILITIES.get(place).map(|(_, name)| *name)
}

fn level_name(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "EMERG - system is unusable",
            "ALERT - action must be taken immediately",
            "CRIT - critical conditions",
            "ERR - error conditions",
            "WARNING - warning conditions",
            "NOTICE - normal but significant condition",
            "INFO - informational",
            "DEBUG - debug-level messages",
        ],
    )
}

/// The number in `<>` at the beginning, and how many bytes it takes.
fn priority(bytes: &[u8]) -> Option<(u16, usize)> {
    let rest = bytes.strip_prefix(b"<")?;
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit());
    let len = digits.count();
    if rest.get(len) != Some(&b'>') {
        return None;
    }
    let text = std::str::from_utf8(rest.get(..len)?).ok()?;
    Some((text.parse().ok()?, len + 2))
}

/// Dissects a datagram.
#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("Syslog");
    walk.columns.clear_info();
    let bytes = region.captured();
    let added = walk.begin(THIS, &region, bytes.len());
    let found = priority(bytes);
    let (_, len) = found.unwrap_or_default();
    let text = Escaped(bytes.get(len..).unwrap_or(&[]));
    if let Some((number, len)) = found {
        let (facility, level) = (u64::from(number >> 3), u64::from(number & 7));
        let short = FACILITIES
            .get(usize::from(number >> 3))
            .map_or("UNKNOWN", |(short, _)| short);
        let word = level_name(level).and_then(|name| name.split(' ').next());
        let word = word.unwrap_or("UNKNOWN");
        walk.columns
            .append_info(format_args!("{short}.{word}: {text}"));
        walk.tree.label(
            added,
            format_args!("Syslog message: {short}.{word}: {text}"),
        );
        let place = region.place(0, len);
        walk.tree.add(FACILITY, place, Value::Uint(facility));
        walk.tree.add(LEVEL, place, Value::Uint(level));
    } else {
        walk.columns.append_info(format_args!("{text}"));
        walk.tree
            .label(added, format_args!("Syslog message: (unknown): {text}"));
    }
    let place = region.place(len, bytes.len().saturating_sub(len));
    walk.tree
        .add_formatted(MESSAGE, place, format_args!("{text}"));
    walk.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5424 section 6.2.1.
    #[test]
    fn the_priority_is_facility_and_level() {
        assert_eq!(priority(b"<165>1 x"), Some((165, 5)));
        assert_eq!(priority(b"<0>x"), Some((0, 3)));
        assert_eq!(priority(b"165>x"), None);
        assert_eq!(priority(b"<1650>x"), None);
    }
}
