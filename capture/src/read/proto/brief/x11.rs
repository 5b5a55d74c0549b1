//! The X Window System (X11R7.7): whose bytes they are, and which messages set a connection up.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const FIRST_PORT: u16 = 6000;
const PORTS: u16 = 64;

/// X11 in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &all_ports(),
    recognizes: None,
    dissect,
};

/// One port for each display.
const fn all_ports() -> [u16; PORTS as usize] {
    let mut ports = [0; PORTS as usize];
    let mut display = 0;
    while display < PORTS {
        ports[display as usize] = FIRST_PORT + display;
        display += 1;
    }
    ports
}

/// The byte order of a connection, in what is remembered of it.
const BIG: u64 = 1;
const LITTLE: u64 = 2;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let is_request = (FIRST_PORT..FIRST_PORT + PORTS).contains(&payload.destination_port);
    let first = region.u8(0)?;
    let state = *walk.memory.tcp.state(payload);
    if is_request && state == 0 && matches!(first, b'B' | b'l') {
        *walk.memory.tcp.state(payload) = if first == b'B' { BIG } else { LITTLE };
        name(walk, names::x11::THIS, &region);
        walk.columns
            .set_info(format_args!("Initial connection request"));
        return Ok(Outcome::Done);
    }
    if is_request && let Some(need) = missing(&region, payload, state)? {
        return Ok(Outcome::More { at: 0, need });
    }
    name(walk, names::x11::THIS, &region);
    if is_request {
        requests(walk, &region, state)?;
    } else if payload.seq == 1 && first <= 2 {
        walk.columns
            .set_info(format_args!("Initial connection reply"));
    }
    Ok(Outcome::Done)
}

/// What is asked for: each request counts itself in words, or, where that is 0, in a number behind it.
fn requests(walk: &mut Walk<'_, '_>, region: &Region<'_>, state: u64) -> Result<(), Stop> {
    walk.columns.set_info(format_args!("Requests"));
    let mut separator = ':';
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        let code = rest.u8(0)?;
        let len = match words(rest.array(2)?, state) {
            0 => long_words(rest.array(4)?, state) as usize * 4,
            words => usize::from(words) * 4,
        };
        if len < 4 {
            return Ok(());
        }
        match request_name(code) {
            Some(text) => walk.columns.append_info(format_args!("{separator} {text}")),
            None => walk
                .columns
                .append_info(format_args!("{separator} <Unknown opcode {code}>")),
        }
        separator = ',';
        at = at.saturating_add(len);
    }
    Ok(())
}

/// A number of words; without the beginning of the connection, the smaller one is meant.
fn words(bytes: [u8; 2], state: u64) -> u16 {
    let (big, little) = (u16::from_be_bytes(bytes), u16::from_le_bytes(bytes));
    match state {
        BIG => big,
        LITTLE => little,
        _ => big.min(little),
    }
}

/// The same of a long request (the extension BIG-REQUESTS).
fn long_words(bytes: [u8; 4], state: u64) -> u32 {
    let (big, little) = (u32::from_be_bytes(bytes), u32::from_le_bytes(bytes));
    match state {
        BIG => big,
        LITTLE => little,
        _ => big.min(little),
    }
}

/// Name of a request of the core protocol (X Window System Protocol, appendix B).
fn request_name(code: u8) -> Option<&'static str> {
    const NO_OPERATION: u8 = 127;
    if code == NO_OPERATION {
        return Some("NoOperation");
    }
    let place = usize::from(code).checked_sub(1)?;
    REQUESTS.get(place).copied()
}

/// From 1.
const REQUESTS: &[&str] = &[
    "CreateWindow",
    "ChangeWindowAttributes",
    "GetWindowAttributes",
    "DestroyWindow",
    "DestroySubwindows",
    "ChangeSaveSet",
    "ReparentWindow",
    "MapWindow",
    "MapSubwindows",
    "UnmapWindow",
    "UnmapSubwindows",
    "ConfigureWindow",
    "CirculateWindow",
    "GetGeometry",
    "QueryTree",
    "InternAtom",
    "GetAtomName",
    "ChangeProperty",
    "DeleteProperty",
    "GetProperty",
    "ListProperties",
    "SetSelectionOwner",
    "GetSelectionOwner",
    "ConvertSelection",
    "SendEvent",
    "GrabPointer",
    "UngrabPointer",
    "GrabButton",
    "UngrabButton",
    "ChangeActivePointerGrab",
    "GrabKeyboard",
    "UngrabKeyboard",
    "GrabKey",
    "UngrabKey",
    "AllowEvents",
    "GrabServer",
    "UngrabServer",
    "QueryPointer",
    "GetMotionEvents",
    "TranslateCoordinates",
    "WarpPointer",
    "SetInputFocus",
    "GetInputFocus",
    "QueryKeymap",
    "OpenFont",
    "CloseFont",
    "QueryFont",
    "QueryTextExtents",
    "ListFonts",
    "ListFontsWithInfo",
    "SetFontPath",
    "GetFontPath",
    "CreatePixmap",
    "FreePixmap",
    "CreateGC",
    "ChangeGC",
    "CopyGC",
    "SetDashes",
    "SetClipRectangles",
    "FreeGC",
    "ClearArea",
    "CopyArea",
    "CopyPlane",
    "PolyPoint",
    "PolyLine",
    "PolySegment",
    "PolyRectangle",
    "PolyArc",
    "FillPoly",
    "PolyFillRectangle",
    "PolyFillArc",
    "PutImage",
    "GetImage",
    "PolyText8",
    "PolyText16",
    "ImageText8",
    "ImageText16",
    "CreateColormap",
    "FreeColormap",
    "CopyColormapAndFree",
    "InstallColormap",
    "UninstallColormap",
    "ListInstalledColormaps",
    "AllocColor",
    "AllocNamedColor",
    "AllocColorCells",
    "AllocColorPlanes",
    "FreeColors",
    "StoreColors",
    "StoreNamedColor",
    "QueryColors",
    "LookupColor",
    "CreateCursor",
    "CreateGlyphCursor",
    "FreeCursor",
    "RecolorCursor",
    "QueryBestSize",
    "QueryExtension",
    "ListExtensions",
    "ChangeKeyboardMapping",
    "GetKeyboardMapping",
    "ChangeKeyboardControl",
    "GetKeyboardControl",
    "Bell",
    "ChangePointerControl",
    "GetPointerControl",
    "SetScreenSaver",
    "GetScreenSaver",
    "ChangeHosts",
    "ListHosts",
    "SetAccessControl",
    "SetCloseDownMode",
    "KillClient",
    "RotateProperties",
    "ForceScreenSaver",
    "SetPointerMapping",
    "GetPointerMapping",
    "SetModifierMapping",
    "GetModifierMapping",
];

/// What the first request needs beyond what there is: it counts itself in words.
fn missing(region: &Region<'_>, payload: &Payload, state: u64) -> Result<Option<Need>, Stop> {
    if payload.asking != Asking::Possible {
        return Ok(None);
    }
    if region.reported() < 4 {
        return Ok(Some(Need::Segment));
    }
    let len = usize::from(words(region.array(2)?, state)) * 4;
    let missing = len.saturating_sub(region.reported());
    Ok((missing > 0).then_some(Need::Bytes(missing as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // X Window System Protocol, appendix B: the first, some in the middle, and the last numbers.
    #[test]
    fn requests_have_the_names_of_the_protocol() {
        let names = [
            (0, None),
            (1, Some("CreateWindow")),
            (55, Some("CreateGC")),
            (98, Some("QueryExtension")),
            (119, Some("GetModifierMapping")),
            (120, None),
            (127, Some("NoOperation")),
        ];
        for (code, name) in names {
            assert_eq!(request_name(code), name, "{code}");
        }
    }

    #[test]
    fn without_a_beginning_the_smaller_number_is_meant() {
        assert_eq!(words([0, 3], 0), 3);
        assert_eq!(words([3, 0], 0), 3);
        assert_eq!(words([3, 0], BIG), 0x300);
        assert_eq!(long_words([3, 0, 0, 0], LITTLE), 3);
    }
}
