//! Transactions of the first SMB about files and volumes ([MS-CIFS] 2.2.6): what is asked, and of what.

use crate::read::proto::names::pick;

/// What a transaction asks for.
pub(super) const FIND_FIRST: u16 = 1;
pub(super) const FIND_NEXT: u16 = 2;
pub(super) const QUERY_VOLUME: u16 = 3;
pub(super) const QUERY_PATH: u16 = 5;
pub(super) const SET_PATH: u16 = 6;
pub(super) const QUERY_FILE: u16 = 7;
pub(super) const SET_FILE: u16 = 8;
pub(super) const REFERRAL: u16 = 16;

/// Its name.
pub(super) fn name(kind: u16) -> Option<&'static str> {
    const NAMES: [&str; 18] = [
        "OPEN2",
        "FIND_FIRST2",
        "FIND_NEXT2",
        "QUERY_FS_INFO",
        "SET_FS_INFO",
        "QUERY_PATH_INFO",
        "SET_PATH_INFO",
        "QUERY_FILE_INFO",
        "SET_FILE_INFO",
        "FSCTL",
        "IOCTL2",
        "FIND_NOTIFY_FIRST",
        "FIND_NOTIFY_NEXT",
        "CREATE_DIRECTORY",
        "SESSION_SETUP",
        "Unknown (0x0f)",
        "GET_DFS_REFERRAL",
        "REPORT_DFS_INCONSISTENCY",
    ];
    pick(kind.into(), &NAMES)
}

/// What of it is asked.
pub(super) fn level(kind: u16, level: u16) -> String {
    let name = match kind {
        QUERY_VOLUME => of_volume(level),
        _ => of_file(level),
    };
    match name {
        Some(name) => name.to_owned(),
        None if kind == QUERY_VOLUME => format!("Unknown (0x{level:02x})"),
        None => format!("Unknown ({level})"),
    }
}

const fn of_volume(level: u16) -> Option<&'static str> {
    Some(match level {
        1 => "Info Allocation",
        2 => "Info Volume",
        0x0101 => "Query FS Label Info",
        0x0102 => "Query FS Volume Info",
        0x0103 => "Query FS Size Info",
        0x0104 => "Query FS Device Info",
        0x0105 => "Query FS Attribute Info",
        0x0200 => "Unix Query FS Info",
        0x0202 => "Unix Query POSIX whoami",
        0x0301 => "Mac Query FS Info",
        1001 => "Query FS Label Info",
        1002 => "Query FS Volume Info",
        1003 => "Query FS Size Info",
        1004 => "Query FS Device Info",
        1005 => "Query FS Attribute Info",
        1006 => "Query FS Quota Info",
        1007 => "Query Full FS Size Info",
        1008 => "Object ID Information",
        _ => return None,
    })
}

const fn of_file(level: u16) -> Option<&'static str> {
    Some(match level {
        1 => "Info Standard",
        2 => "Info Query EA Size",
        3 => "Info Query EAs From List",
        4 => "Info Query All EAs",
        6 => "Info Is Name Valid",
        0x0101 => "Query File Basic Info",
        0x0102 => "Query File Standard Info",
        0x0103 => "Query File EA Info",
        0x0104 => "Query File Name Info",
        0x0107 => "Query File All Info",
        0x0108 => "Query File Alt Name Info",
        0x0109 => "Query File Stream Info",
        0x010b => "Query File Compression Info",
        0x0200 => "Query File Unix Basic",
        0x0201 => "Query File Unix Link",
        0x0202 => "Query File Unix Hardlink",
        0x0204 => "Query File Posix ACL",
        0x0205 => "Query File Posix XATTR",
        0x0206 => "Query File Posix Attr Flags",
        0x0207 => "Query File Posix Permissions",
        0x0208 => "Query File Posix Lock",
        0x020b => "Query File Unix Info2",
        1004 => "Query File Basic Info",
        1005 => "Query File Standard Info",
        1006 => "Query File Internal Info",
        1007 => "Query File EA Info",
        1009 => "Query File Name Info",
        1010 => "Query File Rename Info",
        1011 => "Query File Link Info",
        1012 => "Query File Names Info",
        1013 => "Query File Disposition Info",
        1014 => "Query File Position Info",
        1015 => "Query File Full EA Info",
        1016 => "Query File Mode Info",
        1017 => "Query File Alignment Info",
        1018 => "Query File All Info",
        1019 => "Query File Allocation Info",
        1020 => "Query File End of File Info",
        1021 => "Query File Alt Name Info",
        1022 => "Query File Stream Info",
        1023 => "Query File Pipe Info",
        1024 => "Query File Pipe Local Info",
        1025 => "Query File Pipe Remote Info",
        1026 => "Query File Mailslot Query Info",
        1027 => "Query File Mailslot Set Info",
        1028 => "Query File Compression Info",
        1029 => "Query File ObjectID Info",
        1030 => "Query File Completion Info",
        1031 => "Query File Move Cluster Info",
        1032 => "Query File Quota Info",
        1033 => "Query File Reparsepoint Info",
        1034 => "Query File Network Open Info",
        1035 => "Query File Attribute Tag Info",
        1036 => "Query File Tracking Info",
        1037 => "Query File Maximum Info",
        _ => return None,
    })
}
