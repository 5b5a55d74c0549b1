//! TLS (RFC 8446, RFC 5246), as Wireshark's `packet-tls.c` shows it.
//!
//! - `session.rs` what is remembered of a connection
//! - `record.rs` records; `handshake.rs` handshake messages; `hello.rs` the two hellos;
//!   `extension.rs` their extensions, `quic_parameters.rs` the one of QUIC, `ja3.rs` what they tell of the
//!   software; `exchange.rs` the messages after them; `inside.rs` what
//!   is spoken inside
//! - `secrets.rs` logged secrets; `opening.rs` what they open
//! - `names.rs` names of numbers; `groups.rs` those of groups and signature schemes

mod exchange;
mod extension;
mod groups;
mod handshake;
mod hello;
mod inside;
mod ja3;
mod names;
mod opening;
mod quic_parameters;
mod record;
mod secrets;
mod session;

pub(crate) use names::{alert_name, handshake_name, level_name};
pub(crate) use session::Memory;

use super::quic;
use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;
use groups::{group_name, scheme_name};
use names::{
    compress_name, compression_name, content_name, curve_type_name, extension_name, format_name,
    fragment_length_name, heartbeat_name, mode_name, name_type, scheme_hash_name,
    scheme_signature_name, status_name, suite_name, update_name, version_name,
};
use record::Record;
use session::{Flight, Version, of_quic};

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
    FRAGMENT_COUNT: "tls.handshake.fragment.count", "Handshake Fragment count", Uint(32), Dec;
    FRAGMENT: "tls.handshake.fragment", "Handshake Fragment", FrameNumber;
    FRAGMENTS: "tls.handshake.fragments", "Reassembled Handshake Fragments", None;
    APP_DATA_PROTO: "tls.app_data_proto", "Application Data Protocol", String;
    GROUPS_LEN: "tls.handshake.extensions_supported_groups_length", "Supported Groups List Length", Uint(16), Dec;
    GROUPS: "tls.handshake.extensions_supported_groups", "Supported Groups List", None;
    GROUP: "tls.handshake.extensions_supported_group", "Supported Group", Uint(16), Hex, names = group_name;
    FORMATS_LEN: "tls.handshake.extensions_ec_point_formats_length", "EC point formats Length", Uint(8), Dec;
    FORMATS: "tls.handshake.extensions_ec_point_formats", "EC point formats", None;
    FORMAT: "tls.handshake.extensions_ec_point_format", "EC point format", Uint(8), Dec, names = format_name;
    NPN_LEN: "tls.handshake.extensions_npn_str_len", "Protocol string length", Uint(8), Dec;
    NPN: "tls.handshake.extensions_npn", "Next Protocol", String;
    RENEGOTIATION_LEN: "tls.handshake.extensions_reneg_info_len", "Renegotiation info extension length", Uint(8), Dec;
    RENEGOTIATION_INFO: "tls.handshake.extensions_reneg_info", "Renegotiation info", Bytes;
    SHARES_LEN: "tls.handshake.extensions_key_share_client_length", "Client Key Share Length", Uint(16), Dec;
    SHARE_GROUP: "tls.handshake.extensions_key_share_group", "Group", Uint(16), Dec, names = group_name;
    SHARE_KEY_LEN: "tls.handshake.extensions_key_share_key_exchange_length", "Key Exchange Length", Uint(16), Dec;
    SHARE_KEY: "tls.handshake.extensions_key_share_key_exchange", "Key Exchange", Bytes;
    SHARE_SELECTED: "tls.handshake.extensions_key_share_selected_group", "Selected Group", Uint(16), Dec, names = group_name;
    PSK_IDENTITIES_LEN: "tls.handshake.extensions.psk.identities.length", "Identities Length", Uint(16), Dec;
    PSK_IDENTITY_LEN: "tls.handshake.extensions.psk.identity.identity_length", "Identity Length", Uint(16), Dec;
    PSK_IDENTITY: "tls.handshake.extensions.psk.identity.identity", "Identity", Bytes;
    PSK_AGE: "tls.handshake.extensions.psk.identity.obfuscated_ticket_age", "Obfuscated Ticket Age", Uint(32), Dec;
    PSK_BINDERS_LEN: "tls.handshake.extensions.psk.binders_len", "PSK Binders length", Uint(16), Dec;
    PSK_BINDERS: "tls.handshake.extensions.psk.binders", "PSK Binders", None;
    PSK_SELECTED: "tls.handshake.extensions.psk.identity.selected", "Selected Identity", Uint(16), Dec;
    COOKIE_LEN: "tls.handshake.extensions.cookie_len", "Cookie length", Uint(16), Dec;
    COOKIE: "tls.handshake.extensions.cookie", "Cookie", Bytes;
    MAX_FRAGMENT_LENGTH: "tls.handshake.max_fragment_length", "Maximum Fragment Length", Uint(8), Dec, names = fragment_length_name;
    PADDING_DATA: "tls.handshake.extensions_padding_data", "Padding Data", Bytes;
    STATUS_TYPE: "tls.handshake.extensions_status_request_type", "Certificate Status Type", Uint(8), Dec, names = status_name;
    STATUS_IDS_LEN: "tls.handshake.extensions_status_request_responder_ids_len", "Responder ID list Length", Uint(16), Dec;
    STATUS_EXTS_LEN: "tls.handshake.extensions_status_request_exts_len", "Request Extensions Length", Uint(16), Dec;
    OCSP_LEN: "tls.handshake.ocsp_response_len", "OCSP Response Length", Uint(24), Dec;
    SCHEMES_LEN: "tls.handshake.sig_hash_alg_len", "Signature Hash Algorithms Length", Uint(16), Dec;
    SCHEMES: "tls.handshake.sig_hash_algs", "Signature Algorithms", None;
    SCHEME: "tls.handshake.sig_hash_alg", "Signature Algorithm", Uint(16), Hex, names = scheme_name;
    SCHEME_HASH: "tls.handshake.sig_hash_hash", "Signature Hash Algorithm Hash", Uint(8), Dec, names = scheme_hash_name;
    SCHEME_SIGNATURE: "tls.handshake.sig_hash_sig", "Signature Hash Algorithm Signature", Uint(8), Dec, names = scheme_signature_name;
    HEARTBEAT_MODE: "tls.handshake.extension.heartbeat.mode", "Mode", Uint(8), Dec, names = heartbeat_name;
    COMPRESS_LEN: "tls.compress_certificate.algorithms_length", "Algorithms Length", Uint(8), Dec;
    COMPRESS_ALGORITHM: "tls.compress_certificate.algorithm", "Algorithm", Uint(16), Dec, names = compress_name;
    RECORD_SIZE_LIMIT: "tls.record_size_limit", "Record Size Limit", Uint(16), Dec;
    MAX_EARLY_DATA: "tls.early_data.max_early_data_size", "Maximum Early Data Size", Uint(32), Dec;
    MODES_LEN: "tls.extension.psk_ke_modes_length", "PSK Key Exchange Modes Length", Uint(8), Dec;
    MODE: "tls.extension.psk_ke_mode", "PSK Key Exchange Mode", Uint(8), Dec, names = mode_name;
    ALPS_LEN: "tls.handshake.extensions_alps_len", "ALPS Extension Length", Uint(16), Dec;
    ALPS_LIST: "tls.handshake.extensions_alps_alpn_list", "Supported ALPN List", None;
    ALPS_STR_LEN: "tls.handshake.extensions_alps_alpn_str_len", "Supported ALPN Length", Uint(8), Dec;
    ALPS_STR: "tls.handshake.extensions_alps_alpn_str", "Supported ALPN", String;
    JA3_FULL: "tls.handshake.ja3_full", "JA3 Fullstring", String;
    JA3: "tls.handshake.ja3", "JA3", String;
    JA3S_FULL: "tls.handshake.ja3s_full", "JA3S Fullstring", String;
    JA3S: "tls.handshake.ja3s", "JA3S", String;
    CERTIFICATES: "tls.handshake.certificates", "Certificates", None;
    CERTIFICATE_LEN: "tls.handshake.certificate_length", "Certificate Length", Uint(24), Dec;
    CERTIFICATE: "tls.handshake.certificate", "Certificate", Bytes;
    CURVE_TYPE: "tls.handshake.server_curve_type", "Curve Type", Uint(8), Hex, names = curve_type_name;
    NAMED_CURVE: "tls.handshake.server_named_curve", "Named Curve", Uint(16), Hex, names = group_name;
    SERVER_POINT_LEN: "tls.handshake.server_point_len", "Pubkey Length", Uint(8), Dec;
    SERVER_POINT: "tls.handshake.server_point", "Pubkey", Bytes;
    CLIENT_POINT_LEN: "tls.handshake.client_point_len", "Pubkey Length", Uint(8), Dec;
    CLIENT_POINT: "tls.handshake.client_point", "Pubkey", Bytes;
    SIGNATURE_LEN: "tls.handshake.sig_len", "Signature Length", Uint(16), Dec;
    SIGNATURE: "tls.handshake.sig", "Signature", Bytes;
    P_LEN: "tls.handshake.p_len", "p Length", Uint(16), Dec;
    P: "tls.handshake.p", "p", Bytes;
    G_LEN: "tls.handshake.g_len", "g Length", Uint(16), Dec;
    G: "tls.handshake.g", "g", Bytes;
    YS_LEN: "tls.handshake.ys_len", "Pubkey Length", Uint(16), Dec;
    YS: "tls.handshake.ys", "Pubkey", Bytes;
    YC_LEN: "tls.handshake.yc_len", "Pubkey Length", Uint(16), Dec;
    YC: "tls.handshake.yc", "Pubkey", Bytes;
    SECRET_LEN: "tls.handshake.epms_len", "Encrypted PreMaster length", Uint(16), Dec;
    SECRET: "tls.handshake.epms", "Encrypted PreMaster", Bytes;
    TICKET_LIFETIME: "tls.handshake.session_ticket_lifetime_hint", "Session Ticket Lifetime Hint", Uint(32), Dec;
    TICKET_AGE_ADD: "tls.handshake.session_ticket_age_add", "Session Ticket Age Add", Uint(32), Dec;
    TICKET_NONCE_LEN: "tls.handshake.session_ticket_nonce_length", "Session Ticket Nonce Length", Uint(8), Dec;
    TICKET_NONCE: "tls.handshake.session_ticket_nonce", "Session Ticket Nonce", Bytes;
    TICKET_LEN: "tls.handshake.session_ticket_length", "Session Ticket Length", Uint(16), Dec;
    TICKET: "tls.handshake.session_ticket", "Session Ticket", Bytes;
    VERIFY_DATA: "tls.handshake.verify_data", "Verify Data", None;
    VERIFY_LEN: "tls.handshake.client_cert_vrfy.sig_len", "Signature length", Uint(16), Dec;
    VERIFY: "tls.handshake.client_cert_vrfy.sig", "Signature", Bytes;
    CERT_TYPES_COUNT: "tls.handshake.cert_types_count", "Certificate types count", Uint(8), Dec;
    CERT_TYPES: "tls.handshake.cert_types", "Certificate types", None;
    CERT_TYPE: "tls.handshake.cert_type", "Certificate type", Uint(8), Dec, names = names::cert_type_name;
    DNAMES_LEN: "tls.handshake.dnames_len", "Distinguished Names Length", Uint(16), Dec;
    KEY_UPDATE: "tls.handshake.key_update.request_update", "Key Update Request", Uint(8), Dec, names = update_name;
    QP: "tls.quic.parameter", "Parameter", None;
    QP_TYPE: "tls.quic.parameter.type", "Type", Uint(64), Dec;
    QP_LEN: "tls.quic.parameter.length", "Length", Uint(64), Dec;
    QP_VALUE: "tls.quic.parameter.value", "Value", Bytes;
    QP_ORIGINAL_ID: "tls.quic.parameter.original_destination_connection_id", "original_destination_connection_id", Bytes;
    QP_IDLE_TIMEOUT: "tls.quic.parameter.max_idle_timeout", "max_idle_timeout", Uint(64), Dec;
    QP_RESET_TOKEN: "tls.quic.parameter.stateless_reset_token", "stateless_reset_token", Bytes;
    QP_UDP_PAYLOAD: "tls.quic.parameter.max_udp_payload_size", "max_udp_payload_size", Uint(64), Dec;
    QP_MAX_DATA: "tls.quic.parameter.initial_max_data", "initial_max_data", Uint(64), Dec;
    QP_BIDI_LOCAL: "tls.quic.parameter.initial_max_stream_data_bidi_local", "initial_max_stream_data_bidi_local", Uint(64), Dec;
    QP_BIDI_REMOTE: "tls.quic.parameter.initial_max_stream_data_bidi_remote", "initial_max_stream_data_bidi_remote", Uint(64), Dec;
    QP_UNI: "tls.quic.parameter.initial_max_stream_data_uni", "initial_max_stream_data_uni", Uint(64), Dec;
    QP_STREAMS_BIDI: "tls.quic.parameter.initial_max_streams_bidi", "initial_max_streams_bidi", Uint(64), Dec;
    QP_STREAMS_UNI: "tls.quic.parameter.initial_max_streams_uni", "initial_max_streams_uni", Uint(64), Dec;
    QP_ACK_EXPONENT: "tls.quic.parameter.ack_delay_exponent", "ack_delay_exponent", Uint(64), Dec;
    QP_ACK_DELAY: "tls.quic.parameter.max_ack_delay", "max_ack_delay", Uint(64), Dec;
    QP_ID_LIMIT: "tls.quic.parameter.active_connection_id_limit", "Active Connection ID Limit", Uint(64), Dec;
    QP_INITIAL_ID: "tls.quic.parameter.initial_source_connection_id", "Initial Source Connection ID", Bytes;
    QP_RETRY_ID: "tls.quic.parameter.retry_source_connection_id", "Retry Source Connection ID", Bytes;
    QP_DATAGRAM: "tls.quic.parameter.max_datagram_frame_size", "max_datagram_frame_size", Uint(64), Dec;
    QP_LOSS_BITS: "tls.quic.parameter.loss_bits", "loss_bits", Uint(64), Dec;
    QP_TIME_STAMP: "tls.quic.parameter.enable_time_stamp_v2", "Enable TimestampV2", Uint(64), Dec, names = quic_parameters::time_stamp_name;
    QP_MIN_ACK_DELAY: "tls.quic.parameter.min_ack_delay", "min_ack_delay", Uint(64), Dec;
    QP_GOOGLE_AGENT: "tls.quic.parameter.google.user_agent", "Google UserAgent", String;
    QP_GOOGLE_VERSION: "tls.quic.parameter.google.quic_version", "Google QUIC version", Uint(32), Hex, names = quic::version_name;
    QP_GOOGLE_RTT: "tls.quic.parameter.google.initial_rtt", "Google Initial RTT", Uint(64), Dec;
    QP_GOOGLE_OPTIONS: "tls.quic.parameter.google.connection_options", "Google Connection options", Bytes;
    QP_CHOSEN_VERSION: "tls.quic.parameter.vi.chosen_version", "Chosen Version", Uint(32), Hex, names = quic::version_name;
    QP_OTHER_VERSION: "tls.quic.parameter.vi.other_version", "Other Version", Uint(32), Hex, names = quic::version_name;
    RESUMED: "tls.resumed", "This session reuses previously negotiated keys (Session resumption)", None;
    IGNORED: "tls.ignored_unknown_record", "Ignored Unknown Record", None;
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
    // No record begins with four letters: it is text on a port of TLS.
    let is_letter = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let front = region.captured().first_chunk::<5>();
    if front.is_some_and(|front| front[..4].iter().all(is_letter)) {
        return Ok(Outcome::NotMine);
    }
    if recognizes(&region, payload) {
        walk.memory.tcp.belongs_to(payload, &APPLICATION);
    }
    let version = walk.memory.tls.version(payload.stream.into());
    walk.columns.set_protocol(version.name());
    walk.columns.clear_info();
    let node = walk.begin(THIS, &region, region.captured().len());
    let depth = walk.tree.depth();
    // What is inside stands behind TLS in the tree, and further records before it.
    let mut has_inside = false;
    let can_ask = payload.asking == Asking::Possible;
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        let version = walk.memory.tls.version(payload.stream.into());
        if rest.reported() < RECORD_HEADER_LEN {
            if can_ask {
                walk.end();
                let need = Need::Segment;
                return Ok(Outcome::More { at, need });
            }
            break;
        }
        let is_old = match version {
            Version::SSL_2 => true,
            Version::UNKNOWN => record::looks_like_old_record(&rest),
            _ => record::is_old_hello(&rest),
        };
        if is_old {
            match record::dissect_old(walk, &rest, payload)? {
                record::Read::Whole(len) | record::Read::Opened(len, _) => at += len,
                record::Read::Missing(bytes) => {
                    walk.end();
                    let need = Need::Bytes(bytes);
                    return Ok(Outcome::More { at, need });
                }
            }
            continue;
        }
        if version == Version::UNKNOWN && !record::looks_like_record(&rest) {
            append(walk, "Continuation Data");
            break;
        }
        let back = has_inside.then(|| walk.tree.under(node));
        let read = record::dissect(walk, &rest, payload)?;
        if let Some(back) = back {
            walk.tree.back(back);
        }
        match read {
            record::Read::Whole(len) => at += len,
            record::Read::Opened(len, plain) => {
                at += len;
                has_inside = true;
                walk.tree.set_depth(walk.base);
                inside::dissect(walk, plain, payload)?;
                walk.tree.set_depth(depth);
                walk.current = THIS;
                walk.columns.settle();
            }
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

/// Whose a segment's records are.
fn flight(payload: &Payload) -> Flight {
    Flight {
        session: payload.stream.into(),
        direction: payload.direction.index(),
    }
}

/// Dissects handshake bytes of a QUIC connection (RFC 9001 section 4), which have no records.
pub(crate) fn in_quic(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    connection: u32,
    direction: usize,
) -> Result<(), Stop> {
    let flight = Flight {
        session: of_quic(connection),
        direction,
    };
    let session = walk.memory.tls.session(flight.session);
    if session.version == Version::UNKNOWN {
        session.version = Version::TLS_1_3;
    }
    let version = session.version;
    walk.protocols.push(THIS.protocol);
    walk.current = THIS;
    let place = region.place(0, region.captured().len());
    let record = Record {
        node: walk.tree.add(RECORD, place, Value::None),
        version,
        flight,
        is_open: false,
    };
    walk.tree.open();
    handshake::dissect(walk, *region, &record)?;
    walk.tree.close();
    Ok(())
}

/// Adds to the list of what is in the frame.
fn append(walk: &mut Walk<'_, '_>, text: &str) {
    walk.columns.append_text_after(", ", text);
}
