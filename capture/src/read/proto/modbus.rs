//! Modbus over TCP, as Wireshark's `packet-mbtcp.c` shows it.

use super::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

protocol! {
    56, "mbtcp", "Modbus/TCP", "Modbus/TCP";
    TRANSACTION: "mbtcp.trans_id", "Transaction Identifier", Uint(16), Dec;
    PROTOCOL_ID: "mbtcp.prot_id", "Protocol Identifier", Uint(16), Dec;
    LENGTH: "mbtcp.len", "Length", Uint(16), Dec;
    UNIT: "mbtcp.unit_id", "Unit Identifier", Uint(8), Dec;
    FUNCTION: "modbus.func_code", "Function Code", Uint(8), Dec, mask = 0x7f, names = function_name;
}

const PORT: u16 = 502;
const HEADER_LEN: usize = 6;

/// Modbus in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT],
    recognizes: None,
    dissect,
};

const fn function_name(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => "Read Coils",
        2 => "Read Discrete Inputs",
        3 => "Read Holding Registers",
        4 => "Read Input Registers",
        5 => "Write Single Coil",
        6 => "Write Single Register",
        7 => "Read Exception Status",
        8 => "Diagnostics",
        11 => "Get Comm. Event Counters",
        12 => "Get Comm. Event Log",
        15 => "Write Multiple Coils",
        16 => "Write Multiple Registers",
        17 => "Report Slave ID",
        20 => "Read File Record",
        21 => "Write File Record",
        22 => "Mask Write Register",
        23 => "Read Write Register",
        24 => "Read FIFO Queue",
        43 => "Encapsulated Interface Transport",
        90 => "Unity (Schneider)",
        _ => return None,
    })
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let bytes = region.captured();
    let is_protocol = bytes.get(2..4) == Some(&[0, 0]) || bytes.len() < 4;
    let len = bytes
        .get(4..6)
        .map(|len| u16::from_be_bytes([len[0], len[1]]));
    if !is_protocol || len.is_some_and(|len| len < 2) {
        return Ok(Outcome::NotMine);
    }
    let is_query = payload.destination_port == PORT;
    let mut is_first = true;
    let len_of = |region: &Region<'_>| {
        let len = region.u16(4)?;
        Ok(Some(HEADER_LEN + usize::from(len)))
    };
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            if is_first {
                walk.columns.set_protocol("Modbus/TCP");
                walk.columns.clear_info();
            }
            one(walk, &message, is_query, is_first)?;
            is_first = false;
            Ok(())
        },
    )
}

const DIAGNOSTICS: u8 = 8;
const INTERFACE: u8 = 43;

/// Name of a subfunction of diagnostics (Modbus Application Protocol 1.1b3, section 6.8.1).
const fn diagnostics_name(value: u16) -> Option<&'static str> {
    Some(match value {
        0 => "Return Query Data",
        1 => "Restart Communications Option",
        2 => "Return Diagnostic Register",
        3 => "Change ASCII Input Delimiter",
        4 => "Force Listen Only Mode",
        10 => "Clear Counters and Diagnostic Register",
        11 => "Return Bus Message Count",
        12 => "Return Bus Communication Error Count",
        13 => "Return Bus Exception Error Count",
        14 => "Return Slave Message Count",
        15 => "Return Slave No Response Count",
        16 => "Return Slave NAK Count",
        17 => "Return Slave Busy Count",
        18 => "Return Bus Character Overrun Count",
        20 => "Clear Overrun Counter and Flag",
        _ => return None,
    })
}

/// Name of a transport of the encapsulated interface (section 6.19).
const fn interface_name(value: u8) -> Option<&'static str> {
    Some(match value {
        13 => "CANopen Request/Response ",
        14 => "Read Device Identification",
        _ => return None,
    })
}

fn one(
    walk: &mut Walk<'_, '_>,
    message: &Region<'_>,
    is_query: bool,
    is_first: bool,
) -> Result<(), Stop> {
    let (transaction, unit, function) = (message.u16(0)?, message.u8(6)?, message.u8(7)?);
    let word = if is_query { "   Query" } else { "Response" };
    let between = if is_first { "" } else { "; " };
    let code = function & 0x7f;
    // Wireshark 4.0 says 1 of whatever the subfunction is, and then its name.
    let (sub, name) = match function {
        DIAGNOSTICS => ("/  1", diagnostics_name(message.u16(8)?)),
        INTERFACE => ("/  1", interface_name(message.u8(8)?)),
        _ => ("", None),
    };
    walk.columns.append_info(format_args!(
        "{between}{word}: Trans: {transaction:5}; Unit: {unit:3}, Func: {code:3}{sub}: "
    ));
    match name.or_else(|| function_name(code.into())) {
        Some(name) => walk.columns.append_info(format_args!("{name}")),
        None => walk
            .columns
            .append_info(format_args!("Unknown function ({code})")),
    }
    if function & 0x80 != 0 {
        walk.columns
            .append_info(format_args!(". Exception returned "));
    }
    walk.begin(THIS, message, message.captured().len());
    walk.u16(TRANSACTION, message, 0)?;
    walk.u16(PROTOCOL_ID, message, 2)?;
    walk.u16(LENGTH, message, 4)?;
    walk.u8(UNIT, message, 6)?;
    let place = message.place(7, 1);
    let value = crate::read::Value::Uint(code.into());
    walk.tree.add(FUNCTION, place, value);
    walk.end();
    Ok(())
}
