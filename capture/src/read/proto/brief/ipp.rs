//! IPP (RFC 8011) in bodies of HTTP: which operation is asked for, and what became of it.

use super::names;
use crate::read::proto::text::line;
use crate::read::region::Region;
use crate::read::walk::Walk;

const fn operation_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0x02 => "Print-Job",
        0x03 => "Print-URI",
        0x04 => "Validate-Job",
        0x05 => "Create-Job",
        0x06 => "Send-Document",
        0x07 => "Send-URI",
        0x08 => "Cancel-Job",
        0x09 => "Get-Job-Attributes",
        0x0a => "Get-Jobs",
        0x0b => "Get-Printer-Attributes",
        0x0c => "Hold-Job",
        0x0d => "Release-Job",
        0x0e => "Restart-Job",
        0x10 => "Pause-Printer",
        0x11 => "Resume-Printer",
        0x12 => "Purge-Jobs",
        0x13 => "Set-Printer-Attributes",
        0x14 => "Set-Job-Attributes",
        0x16 => "Create-Printer-Subscriptions",
        0x18 => "Get-Subscription-Attributes",
        0x19 => "Get-Subscriptions",
        0x1c => "Get-Notifications",
        0x38 => "Cancel-Jobs",
        0x39 => "Cancel-My-Jobs",
        0x3b => "Close-Job",
        0x3c => "Identify-Printer",
        0x4001 => "CUPS-Get-Default",
        0x4002 => "CUPS-Get-Printers",
        0x4005 => "CUPS-Get-Classes",
        0x400b => "CUPS-Get-Devices",
        0x400c => "CUPS-Get-PPDs",
        0x400f => "CUPS-Get-PPD",
        _ => return None,
    })
}

const fn status_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0x000 => "successful-ok",
        0x001 => "successful-ok-ignored-or-substituted-attributes",
        0x002 => "successful-ok-conflicting-attributes",
        0x400 => "client-error-bad-request",
        0x401 => "client-error-forbidden",
        0x402 => "client-error-not-authenticated",
        0x403 => "client-error-not-authorized",
        0x404 => "client-error-not-possible",
        0x405 => "client-error-timeout",
        0x406 => "client-error-not-found",
        0x407 => "client-error-gone",
        0x40a => "client-error-document-format-not-supported",
        0x40b => "client-error-attributes-or-values-not-supported",
        0x500 => "server-error-internal-error",
        0x501 => "server-error-operation-not-supported",
        0x502 => "server-error-service-unavailable",
        0x503 => "server-error-version-not-supported",
        0x504 => "server-error-device-error",
        0x505 => "server-error-temporary-error",
        0x506 => "server-error-not-accepting-jobs",
        0x507 => "server-error-busy",
        0x508 => "server-error-job-canceled",
        _ => return None,
    })
}

/// Says what a body is; the info is that of the message that has it.
pub(crate) fn show(walk: &mut Walk<'_, '_>, body: &Region<'_>) {
    // A body in chunks begins with the length of the first one.
    let bytes = body.captured();
    let is_plain = bytes.first().is_some_and(|byte| *byte < b' ');
    let at = if is_plain { 0 } else { line(bytes).1 };
    let Ok(code) = body.u16(at + 2) else {
        return;
    };
    let is_response =
        walk.columns.info.starts_with("HTTP/") || walk.columns.info.contains("] HTTP/");
    super::name(walk, names::ipp::THIS, body);
    let (word, text) = if is_response {
        ("Response", status_name(code))
    } else {
        ("Request", operation_name(code))
    };
    match text {
        Some(text) => walk.columns.set_info(format_args!("IPP {word} ({text})")),
        None => walk
            .columns
            .set_info(format_args!("IPP {word} (0x{code:04x})")),
    }
}
