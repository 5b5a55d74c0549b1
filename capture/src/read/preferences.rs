//! What `-o NAME:VALUE` sets, with tshark's names and defaults.

use std::path::PathBuf;

use super::decode_as::DecodeAs;
use super::print::{ListColumns, Names};

/// Those that are no flags.
const KEYLOG_FILE: &str = "tls.keylog_file";
const COLUMN_FORMAT: &str = "gui.column.format";

/// Preferences of the dissectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Whether labels and resolved names show addresses by name.
    pub names: Names,
    /// Whether what DNS tells is what addresses are called (`-z hosts`).
    pub dns_names: bool,
    /// `tcp.check_checksum`.
    pub tcp_check_checksum: bool,
    /// `udp.check_checksum`.
    pub udp_check_checksum: bool,
    /// `ip.check_checksum`.
    pub ip_check_checksum: bool,
    /// `tcp.relative_sequence_numbers`.
    pub tcp_relative_sequence_numbers: bool,
    /// `tcp.analyze_sequence_numbers`.
    pub tcp_analyze_sequence_numbers: bool,
    /// `tcp.desegment_tcp_streams`.
    pub tcp_desegment_streams: bool,
    /// `ip.defragment`.
    pub ip_defragment: bool,
    /// `ip.decode_tos_as_diffserv`.
    pub ip_decode_tos_as_diffserv: bool,
    /// `ip.security_flag`.
    pub ip_security_flag: bool,
    /// `tls.keylog_file`: secrets of TLS connections.
    pub tls_keylog_file: Option<PathBuf>,
    /// `gui.column.format`: the columns of the list, if not those that it usually has.
    pub columns: Option<ListColumns>,
    /// Which ports carry what, whatever they usually do (`-d`).
    pub decode_as: DecodeAs,
}

impl Preferences {
    /// Sets one, given as `NAME:VALUE`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the names that there are.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let Some((name, value)) = text.split_once(':') else {
            return Err(format!("{text:?} is not NAME:VALUE"));
        };
        if name.trim() == KEYLOG_FILE {
            self.tls_keylog_file = Some(value.trim())
                .filter(|path| !path.is_empty())
                .map(PathBuf::from);
            return Ok(());
        }
        if name.trim() == COLUMN_FORMAT {
            let columns = ListColumns::parse(value);
            self.columns = Some(columns.map_err(|error| format!("{COLUMN_FORMAT}: {error}"))?);
            return Ok(());
        }
        let mut known: [(&str, &mut bool); 9] = [
            ("tcp.check_checksum", &mut self.tcp_check_checksum),
            ("udp.check_checksum", &mut self.udp_check_checksum),
            ("ip.check_checksum", &mut self.ip_check_checksum),
            (
                "tcp.relative_sequence_numbers",
                &mut self.tcp_relative_sequence_numbers,
            ),
            (
                "tcp.analyze_sequence_numbers",
                &mut self.tcp_analyze_sequence_numbers,
            ),
            ("tcp.desegment_tcp_streams", &mut self.tcp_desegment_streams),
            ("ip.defragment", &mut self.ip_defragment),
            (
                "ip.decode_tos_as_diffserv",
                &mut self.ip_decode_tos_as_diffserv,
            ),
            ("ip.security_flag", &mut self.ip_security_flag),
        ];
        let Some((_, preference)) = known.iter_mut().find(|(known, _)| *known == name.trim())
        else {
            let names = known.map(|(name, _)| name).join(", ");
            return Err(format!(
                "there is no preference {name:?}; there are {names}, {KEYLOG_FILE}, {COLUMN_FORMAT}"
            ));
        };
        **preference = match value.trim() {
            value if value.eq_ignore_ascii_case("true") => true,
            value if value.eq_ignore_ascii_case("false") => false,
            value => return Err(format!("{name} is TRUE or FALSE, not {value:?}")),
        };
        Ok(())
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            names: Names::Vendors,
            dns_names: true,
            tcp_check_checksum: false,
            udp_check_checksum: false,
            ip_check_checksum: false,
            tcp_relative_sequence_numbers: true,
            tcp_analyze_sequence_numbers: true,
            tcp_desegment_streams: true,
            ip_defragment: true,
            ip_decode_tos_as_diffserv: true,
            ip_security_flag: false,
            tls_keylog_file: None,
            columns: None,
            decode_as: DecodeAs::default(),
        }
    }
}
