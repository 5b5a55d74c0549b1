//! The protocols that are told briefly, with Wireshark's names for them.

/// A module for each: its number in the registry, its name in filters, in the list and in the tree.
macro_rules! protocols {
    ($($module:ident = $number:literal, $name:literal, $short:literal, $title:literal;)*) => {
        $(
            #[allow(clippy::doc_markdown, clippy::allow_attributes, reason = "names are written as they are")]
            #[doc = $title]
            pub(crate) mod $module {
                crate::read::field::protocol! { $number, $name, $short, $title; }
            }
        )*
    };
}

protocols! {
    fabricpath = 68, "cfp", "FabricPath", "Cisco FabricPath";
    vntag = 69, "vntag", "VNTAG", "VN-Tag";
    nsh = 70, "nsh", "NSH", "Network Service Header";
    macsec = 71, "macsec", "MACSEC", "802.1AE Security Tag";
    wlan = 72, "wlan", "802.11", "IEEE 802.11 wireless LAN";
    nflog = 73, "nflog", "NFLOG", "Linux Netfilter NFLOG";
    ipoib = 74, "ipoib", "IPoIB", "IP over Infiniband";
    vnc = 75, "vnc", "VNC", "Virtual Network Computing";
    bittorrent = 76, "bittorrent", "BitTorrent", "BitTorrent";
    lcp = 77, "lcp", "PPP LCP", "PPP Link Control Protocol";
    ipcp = 78, "ipcp", "PPP IPCP", "PPP IP Control Protocol";
    ipv6cp = 79, "ipv6cp", "PPP IPV6CP", "PPP IPv6 Control Protocol";
    ccp = 80, "ccp", "PPP CCP", "PPP Compression Control Protocol";
    pap = 81, "pap", "PPP PAP", "PPP Password Authentication Protocol";
    chap = 82, "chap", "PPP CHAP", "PPP Challenge Handshake Authentication Protocol";
    resp = 83, "resp", "RESP", "REdis Serialization Protocol";
    dnp3 = 84, "dnp3", "DNP 3.0", "Distributed Network Protocol 3.0";
    openflow = 85, "openflow", "OpenFlow", "OpenFlow";
    pptp = 86, "pptp", "PPTP", "Point-to-Point Tunnelling Protocol";
    whois = 87, "whois", "WHOIS", "whois";
    teredo = 88, "teredo", "Teredo", "Teredo IPv6 over UDP tunneling";
    srvloc = 89, "srvloc", "SRVLOC", "Service Location Protocol";
    sap = 90, "sap", "SAP", "Session Announcement Protocol";
    realtek = 91, "realtek", "Realtek", "Realtek Layer 2 Protocols";
    dropbox = 92, "db-lsp-disc", "DB-LSP-DISC", "Dropbox LAN sync Discovery Protocol";
    tpkt = 93, "tpkt", "TPKT", "TPKT - ISO on TCP - RFC1006";
    cotp = 94, "cotp", "COTP", "ISO 8073/X.224 COTP Connection-Oriented Transport Protocol";
    rdp = 95, "rdp", "RDP", "Remote Desktop Protocol";
    t125 = 96, "t125", "T.125", "MULTIPOINT-COMMUNICATION-SERVICE T.125";
    rtcp = 97, "rtcp", "RTCP", "Real-time Transport Control Protocol";
    cipio = 98, "cipio", "CIP I/O", "Common Industrial Protocol, I/O";
    pgsql = 99, "pgsql", "PGSQL", "PostgreSQL";
    mysql = 100, "mysql", "MySQL", "MySQL Protocol";
    sip = 101, "sip", "SIP", "Session Initiation Protocol";
    rtsp = 102, "rtsp", "RTSP", "Real Time Streaming Protocol";
    irc = 103, "irc", "IRC", "Internet Relay Chat";
    finger = 104, "finger", "FINGER", "finger";
    nntp = 105, "nntp", "NNTP", "Network News Transfer Protocol";
    tftp = 106, "tftp", "TFTP", "Trivial File Transfer Protocol";
    isakmp = 107, "isakmp", "ISAKMP", "Internet Security Association and Key Management Protocol";
    esp = 108, "esp", "ESP", "Encapsulating Security Payload";
    openvpn = 109, "openvpn", "OpenVPN", "OpenVPN Protocol";
    wireguard = 110, "wg", "WireGuard", "WireGuard Protocol";
    ospf = 111, "ospf", "OSPF", "Open Shortest Path First";
    vrrp = 112, "vrrp", "VRRP", "Virtual Router Redundancy Protocol";
    hsrp = 113, "hsrp", "HSRP", "Cisco Hot Standby Router Protocol";
    pim = 114, "pim", "PIM", "Protocol Independent Multicast";
    eigrp = 115, "eigrp", "EIGRP", "Enhanced Interior Gateway Routing Protocol";
    bfd = 116, "bfd", "BFD Control", "Bidirectional Forwarding Detection Control Message";
    echo = 117, "echo", "ECHO", "Echo";
    chargen = 118, "chargen", "Chargen", "Character Generator Protocol";
    snmp = 119, "snmp", "SNMP", "Simple Network Management Protocol";
    kerberos = 120, "kerberos", "KRB5", "Kerberos";
    ldap = 121, "ldap", "LDAP", "Lightweight Directory Access Protocol";
    nbdgm = 122, "nbdgm", "NBDS", "NetBIOS Datagram Service";
    portmap = 123, "portmap", "Portmap", "Portmap";
    nfs = 124, "nfs", "NFS", "Network File System";
    mount = 125, "mount", "MOUNT", "Mount Service";
    x11 = 126, "x11", "X11", "X11";
    ipp = 127, "ipp", "IPP", "Internet Printing Protocol";
    ftp_data = 128, "ftp-data", "FTP-DATA", "FTP Data";
    ntlmssp = 129, "ntlmssp", "NTLMSSP", "NTLM Secure Service Provider";
    text_lines = 130, "data-text-lines", "Line-based text data", "Line-based text data";
    media = 131, "media", "Media", "Media Type";
    png = 132, "png", "PNG", "Portable Network Graphics";
    jfif = 133, "image-jfif", "JFIF (JPEG) image", "JPEG File Interchange Format";
    gif = 134, "image-gif", "GIF image", "Compuserve GIF";
    xml = 135, "xml", "XML", "eXtensible Markup Language";
    json = 136, "json", "JSON", "JavaScript Object Notation";
    form = 137, "urlencoded-form", "HTML Form URL Encoded", "HTML Form URL Encoded";
    multipart = 138, "mime_multipart", "MIME multipart", "MIME Multipart Media Encapsulation";
}
