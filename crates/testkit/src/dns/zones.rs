//! The zones: what is right is called good, and each that is wrong for what is wrong with it.

/// The zone example.org.
pub const ORG: &str = r#"
$ORIGIN example.org.
$TTL 86400
@           SOA   ns hostmaster 1 3600 600 604800 600
            NS    ns
            MX    10 good
            TXT   "some other text"
            TXT   "v=spf1 redirect=_spf.example.org"
ns          A     127.0.53.1
_spf        TXT   "v=spf1 ip4:192.0.2.40/31 include:_more.example.org " "-all"
_more       TXT   "v=spf1 a:listed.example.org/30 ip6:2001:db8:41::/48 ?all"
listed      A     192.0.2.50
aol.smtp 600 A    192.0.2.41
         600 A    192.0.2.46
         600 AAAA 2001:db8:41::1
         600 A    192.0.2.47
; A day: an address that is taken out of it gets mail for as long.
msn.smtp    A     192.0.2.60
            A     192.0.2.41

; All is well, over both families.
good        A     192.0.2.41
            AAAA  2001:db8:41::1
; An hour, and all the rest wrong.
hour  3600  A     192.0.2.42
; The address is another's.
moved       A     192.0.2.99
            A     192.0.2.98
; An alias, of which the smaller time to live counts.
alias 3600  CNAME target
target      A     192.0.2.46
; Its own SPF record does not let it send.
hello       A     192.0.2.47
            TXT   "v=spf1 a:good.example.org mx ~all"
; Records that are none.
twice       A     192.0.2.48
            TXT   "v=spf1 -all"
            TXT   "v=spf1 +all"
hostile     A     192.0.2.49
            TXT   "v=spf1 \027[2J\226\128\174x"
; Over 1232 bytes, which no UDP answer may have.
long        A     192.0.2.51
            TXT   "v=spf1 a -all"
"#;

/// The zone of 192.0.2.0/24, which names the addresses of [`ORG`].
pub const REVERSE: &str = r#"
$ORIGIN 2.0.192.in-addr.arpa.
$TTL 86400
@   SOA  ns.example.org. hostmaster.example.org. 1 3600 600 604800 600
    NS   ns.example.org.
41  PTR  GOOD.example.org.
42  PTR  old.example.org.
    PTR  older.example.org.
43  PTR  moved.example.org.
; RFC 2317: the addresses of a small network are another zone's.
46  CNAME 46.40-47
46.40-47 PTR alias.example.org.
47  PTR  hello.example.org.
    PTR  good.example.org.
49  PTR  \027[31m\255.example.org.
51  PTR  long.example.org.
"#;

/// The same for 2001:db8:41::/48.
pub const REVERSE6: &str = r#"
$ORIGIN 1.4.0.0.8.b.d.0.1.0.0.2.ip6.arpa.
$TTL 86400
@   SOA  ns.example.org. hostmaster.example.org. 1 3600 600 604800 600
    NS   ns.example.org.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR good.example.org.
"#;

/// What a resolver would remember of [`ORG`].
pub const REMEMBERED: &str = r#"
$ORIGIN example.org.
$TTL 77
@     SOA  ns hostmaster 1 3600 600 604800 600
      NS   ns
ns    A    127.0.53.1
good  A    192.0.2.41
      AAAA 2001:db8:41::1
hour  A    192.0.2.42
"#;

/// What a resolver would have cached of a zone whose own server is gone.
pub const GONE: &str = r#"
$ORIGIN gone.example.
$TTL 77
@     SOA  ns hostmaster 1 3600 600 604800 600
      NS   ns
ns    A    127.0.53.9
gone  A    192.0.2.52
"#;
