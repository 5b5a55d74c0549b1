//! TLS (RFC 8446, RFC 5246), as Wireshark's `packet-tls.c` shows it without keys.
//!
//! - `session.rs` what is remembered of a connection
//! - `record.rs` records; `handshake.rs` handshake messages; `hello.rs` the two hellos
//! - `names.rs` names of numbers

mod handshake;
mod hello;
mod names;
mod record;
mod session;

pub(crate) use session::Memory;

use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;
use names::{
    alert_name, compression_name, content_name, extension_name, handshake_name, level_name,
    name_type, suite_name, version_name,
};
use session::Version;

protocol! {
    27, "tls", "TLS", "Transport Layer Security";
    RECORD: "tls.record", "Record Layer", None;
    CONTENT_TYPE: "tls.record.content_type", "Content Type", Uint(8), Dec, names = content_name;
    OPAQUE_TYPE: "tls.record.opaque_type", "Opaque Type", Uint(8), Dec, names = content_name;
    RECORD_VERSION: "tls.record.version", "Version", Uint(16), Hex, names = version_name;
    RECORD_LEN: "tls.record.length", "Length", Uint(16), Dec;
    CHANGE_CIPHER_SPEC: "tls.change_cipher_spec", "Change Cipher Spec Message", None;
    ALERT: "tls.alert_message", "Alert Message", None;
    ALERT_LEVEL: "tls.alert_message.level", "Level", Uint(8), Dec, names = level_name;
    ALERT_DESC: "tls.alert_message.desc", "Description", Uint(8), Dec, names = alert_name;
    APP_DATA: "tls.app_data", "Encrypted Application Data", Bytes;
    HANDSHAKE: "tls.handshake", "Handshake Protocol", None;
    HANDSHAKE_TYPE: "tls.handshake.type", "Handshake Type", Uint(8), Dec, names = handshake_name;
    HANDSHAKE_LEN: "tls.handshake.length", "Length", Uint(24), Dec;
    HANDSHAKE_VERSION: "tls.handshake.version", "Version", Uint(16), Hex, names = version_name;
    RANDOM: "tls.handshake.random", "Random", Bytes;
    RANDOM_TIME: "tls.handshake.random_time", "GMT Unix Time", AbsoluteTime;
    RANDOM_BYTES: "tls.handshake.random_bytes", "Random Bytes", Bytes;
    SESSION_ID_LEN: "tls.handshake.session_id_length", "Session ID Length", Uint(8), Dec;
    SESSION_ID: "tls.handshake.session_id", "Session ID", Bytes;
    SUITES_LEN: "tls.handshake.cipher_suites_length", "Cipher Suites Length", Uint(16), Dec;
    SUITES: "tls.handshake.ciphersuites", "Cipher Suites", None;
    SUITE: "tls.handshake.ciphersuite", "Cipher Suite", Uint(16), Hex, names = suite_name;
    COMP_METHODS_LEN: "tls.handshake.comp_methods_length", "Compression Methods Length", Uint(8), Dec;
    COMP_METHODS: "tls.handshake.comp_methods", "Compression Methods", None;
    COMP_METHOD: "tls.handshake.comp_method", "Compression Method", Uint(8), Dec, names = compression_name;
    EXTENSIONS_LEN: "tls.handshake.extensions_length", "Extensions Length", Uint(16), Dec;
    EXTENSION_TYPE: "tls.handshake.extension.type", "Type", Uint(16), Dec, names = extension_name;
    EXTENSION_LEN: "tls.handshake.extension.len", "Length", Uint(16), Dec;
    EXTENSION_DATA: "tls.handshake.extension.data", "Data", Bytes;
    SNI_LIST_LEN: "tls.handshake.extensions_server_name_list_len", "Server Name list length", Uint(16), Dec;
    SNI_TYPE: "tls.handshake.extensions_server_name_type", "Server Name Type", Uint(8), Dec, names = name_type;
    SNI_LEN: "tls.handshake.extensions_server_name_len", "Server Name length", Uint(16), Dec;
    SNI: "tls.handshake.extensions_server_name", "Server Name", String;
    ALPN_LEN: "tls.handshake.extensions_alpn_len", "ALPN Extension Length", Uint(16), Dec;
    ALPN_LIST: "tls.handshake.extensions_alpn_list", "ALPN Protocol", None;
    ALPN_STR_LEN: "tls.handshake.extensions_alpn_str_len", "ALPN string length", Uint(8), Dec;
    ALPN_STR: "tls.handshake.extensions_alpn_str", "ALPN Next Protocol", String;
    VERSIONS_LEN: "tls.handshake.extensions.supported_versions_len", "Supported Versions length", Uint(8), Dec;
    SUPPORTED_VERSION: "tls.handshake.extensions.supported_version", "Supported Version", Uint(16), Hex, names = version_name;
    CERTIFICATES_LEN: "tls.handshake.certificates_length", "Certificates Length", Uint(24), Dec;
}

/// TLS in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[
        11207, 1300, 19999, 2221, 2443, 27017, 324, 3249, 3250, 3251, 3252, 3496, 443, 465, 5061,
        5671, 5684, 5868, 636, 802, 853, 8883, 993, 995,
    ],
    recognizes: Some(recognizes),
    dissect,
};

/// Bytes of a record's header.
const RECORD_HEADER_LEN: usize = 5;

/// Whether it looks like a record, or like the hello of SSL 2 that older clients begin with.
fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    region.captured().len() >= RECORD_HEADER_LEN
        && (record::looks_like_record(region) || record::is_old_hello(region))
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if recognizes(&region, payload) {
        walk.memory.tcp.belongs_to(payload, &APPLICATION);
    }
    let version = walk.memory.tls.version(payload.stream);
    walk.columns.set_protocol(version.name());
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let can_ask = payload.asking == Asking::Possible;
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        let version = walk.memory.tls.version(payload.stream);
        if rest.reported() < RECORD_HEADER_LEN {
            if can_ask {
                walk.end();
                let need = Need::Segment;
                return Ok(Outcome::More { at, need });
            }
            break;
        }
        if record::is_old_hello(&rest) {
            walk.columns.set_protocol("SSLv2");
            append(walk, "Client Hello");
            break;
        }
        if version == Version::UNKNOWN && !record::looks_like_record(&rest) {
            append(walk, "Continuation Data");
            break;
        }
        match record::dissect(walk, &rest, payload)? {
            record::Read::Whole(len) => at += len,
            record::Read::Missing(bytes) => {
                walk.end();
                let need = Need::Bytes(bytes);
                return Ok(Outcome::More { at, need });
            }
        }
    }
    walk.end();
    Ok(Outcome::Done)
}

/// Adds to the list of what is in the frame.
fn append(walk: &mut Walk<'_, '_>, text: &str) {
    walk.columns.append_text_after(", ", text);
}
