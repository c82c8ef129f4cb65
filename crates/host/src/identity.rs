//! The name and the time zone of the host that is looked at.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use postfix::config::resolve;
use postfix::{Root, Zone};

/// Bytes that the file of a zone has at most: the biggest of the IANA database have four thousand.
const MOST_ZONE: u64 = 1 << 20;

/// The host's name: this machine's own, or an image's /etc/hostname; `localhost` where there is none.
pub(crate) fn name(root: &Root) -> String {
    let found = if root.is_this_host() {
        nix::unistd::gethostname()
            .ok()
            .and_then(|n| n.into_string().ok())
    } else {
        postfix::config::hostname_of(root)
    };
    found
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// The id of a user, from the host's /etc/passwd, or from whatever this machine asks.
pub(crate) fn uid(root: &Root, user: &str) -> Option<u32> {
    if root.is_this_host() {
        let user = nix::unistd::User::from_name(user).ok().flatten()?;
        return Some(user.uid.as_raw());
    }
    let passwd = guarded::read_text(&root.under(Path::new("/etc/passwd")), 64 << 20).ok()?;
    let mut fields = passwd.lines().map(|line| line.split(':'));
    let mut of_user = fields.find_map(|mut f| (f.next() == Some(user)).then_some(f))?;
    of_user.nth(1)?.parse().ok()
}

/// The host's time zone: `TZ` if that is set, else what its /etc/localtime is a link to, else /etc/timezone (Debian).
/// Where none names a zone of the IANA database: this process's, or UTC for an image.
pub(crate) fn zone(root: &Root, tz: Option<&OsStr>) -> Zone {
    if let Some(tz) = tz {
        return from_tz(tz);
    }
    let localtime = Path::new("/etc/localtime");
    // The first link says it, even where the zoneinfo tree is missing from an image.
    let first = fs::read_link(root.under(localtime)).ok();
    let named = |path: &Path| from_zoneinfo_path(path.as_os_str().as_bytes());
    first
        .and_then(|target| named(&target))
        .or_else(|| named(&resolve(root, localtime).ok()?))
        .or_else(|| Zone::named(&first_line(root, Path::new("/etc/timezone"))?))
        .unwrap_or_else(|| {
            if root.is_this_host() {
                Zone::Process
            } else {
                utc()
            }
        })
}

/// The zone that the host's syslog daemon takes times to be in that say none: its own, whatever `TZ` says to this
/// process, whose zone is `own`.
pub(crate) fn zone_of_syslogd(root: &Root, tz: Option<&OsStr>, own: Zone) -> Zone {
    match (zone(root, None), tz) {
        // chrono would ask TZ.
        (Zone::Process, Some(_)) => own,
        (zone, _) => zone,
    }
}

/// What `TZ` says (tzset(3)): `America/New_York`, `:America/New_York`, a path below zoneinfo; empty is UTC. Rules such
/// as `CET-1CEST,M3.5.0,M10.5.0/3` are left to chrono, which reads `TZ` too.
fn from_tz(tz: &OsStr) -> Zone {
    let bytes = tz.as_bytes();
    let bytes = bytes.strip_prefix(b":").unwrap_or(bytes);
    if bytes.is_empty() {
        return utc();
    }
    str::from_utf8(bytes)
        .ok()
        .and_then(Zone::named)
        .or_else(|| from_zoneinfo_path(bytes))
        .unwrap_or_else(|| match may_be_read(bytes) {
            true => Zone::Process,
            false => utc(),
        })
}

/// chrono takes what is no rule for a file, from the root or from the zoneinfo tree, and reads it to its end: a device
/// has none, and what leads out of the directories that are root's is no zone (sudo(8) refuses it, too).
fn may_be_read(tz: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(tz));
    let up = |part| part == std::path::Component::ParentDir;
    let is_zone = |file: fs::Metadata| file.is_file() && file.len() <= MOST_ZONE;
    match path.is_absolute() {
        _ if path.components().any(up) => false,
        true => {
            // And where the links lead: /usr/tmp is /var/tmp on older hosts. A link elsewhere may be exchanged.
            let is_roots = |path: &Path| path.starts_with("/usr") || path == "/etc/localtime";
            is_roots(path)
                && path.canonicalize().is_ok_and(|path| is_roots(&path))
                && fs::metadata(path).is_ok_and(is_zone)
        }
        false => true,
    }
}

/// The zone whose file in the zoneinfo tree (tzfile(5)) this is: `../usr/share/zoneinfo/Europe/Berlin`.
fn from_zoneinfo_path(path: &[u8]) -> Option<Zone> {
    let path = str::from_utf8(path).ok()?;
    let (_, name) = path.rsplit_once("/zoneinfo/")?;
    let name = name
        .strip_prefix("posix/")
        .or_else(|| name.strip_prefix("right/"))
        .unwrap_or(name);
    Zone::named(name)
}

/// The first line of a small regular file, found as that host would find it.
fn first_line(root: &Root, path: &Path) -> Option<String> {
    let path = root.under(&resolve(root, path).ok()?);
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let text = guarded::read_text(&path, 1 << 20).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}

fn utc() -> Zone {
    Zone::named("UTC").unwrap_or(Zone::Process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A host image with these files; a text that begins with `->` is a link.
    fn image(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("->") {
                Some(target) => symlink(target, path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        dir
    }

    #[test]
    fn an_image_names_itself() {
        let check = |files: &[(&str, &str)], expected: &str| {
            assert_eq!(name(&Root::new(image(files).path())), expected);
        };
        check(&[("etc/hostname", "rustin\n")], "rustin");
        check(&[("etc/hostname", "\n")], "localhost");
        check(&[], "localhost");
    }

    #[test]
    fn this_machine_has_a_name() {
        let kernel = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(name(&Root::default()), kernel.trim_end());
    }

    #[test]
    fn zones_are_found_where_hosts_keep_them() {
        let check = |files: &[(&str, &str)], tz: Option<&str>, expected: &str| {
            let dir = image(files);
            let found = zone(&Root::new(dir.path()), tz.map(OsStr::new));
            assert_eq!(Some(found), Zone::named(expected), "{files:?} {tz:?}");
        };
        let berlin = ("etc/localtime", "->/usr/share/zoneinfo/Europe/Berlin");
        let havana = ("etc/timezone", "America/Havana\n");
        check(&[berlin, havana], None, "Europe/Berlin");
        check(&[havana], None, "America/Havana");
        check(
            &[("etc/localtime", "TZif2"), havana],
            None,
            "America/Havana",
        );
        check(&[("etc/localtime", "TZif2")], None, "UTC");
        check(&[], None, "UTC");
        let relative = "->../usr/share/zoneinfo/posix/America/Argentina/Salta";
        check(
            &[("etc/localtime", relative)],
            None,
            "America/Argentina/Salta",
        );
        check(&[berlin], Some("America/New_York"), "America/New_York");
        check(&[berlin], Some(":America/New_York"), "America/New_York");
        check(
            &[berlin],
            Some("/usr/share/zoneinfo/Asia/Beirut"),
            "Asia/Beirut",
        );
        check(&[berlin], Some(""), "UTC");
        check(&[("etc/timezone", "No/Such\n")], None, "UTC");
        let elsewhere = ("etc/localtime", "->/etc/zone/localtime");
        let over = ("etc/zone/localtime", "->/usr/share/zoneinfo/Asia/Beirut");
        let tree = ("usr/share/zoneinfo/Asia/Beirut", "TZif2");
        check(&[elsewhere, over, tree], None, "Asia/Beirut");
        let away = ("etc/timezone", "->/etc/hostname");
        check(&[away], None, "UTC");
    }

    #[test]
    fn rules_in_tz_are_left_to_chrono() {
        let rules = OsStr::new("CET-1CEST,M3.5.0,M10.5.0/3");
        assert_eq!(zone(&Root::default(), Some(rules)), Zone::Process);
    }

    #[test]
    fn what_is_no_zone_is_not_read_by_chrono() {
        let dir = tempfile::tempdir().unwrap();
        let (own, sparse) = (dir.path().join("own"), dir.path().join("sparse"));
        fs::write(&own, "TZif2").unwrap();
        let own = own.to_str().unwrap();
        fs::File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
        let sparse = sparse.to_str().unwrap();
        // A zone now, by a path that chrono would follow once more.
        let link = dir.path().join("link");
        symlink("/usr/share/zoneinfo/Europe/Berlin", &link).unwrap();
        assert!(link.is_file(), "Debian's package tzdata");
        let link = link.to_str().unwrap();
        for tz in [
            ":/dev/zero",
            "/dev/zero",
            sparse,
            "../../../dev/zero",
            ":../zero",
            "/nowhere",
            "/etc/passwd",
            "/etc/../dev/zero",
            // Whoever owns its directory may exchange it.
            own,
            link,
        ] {
            assert_eq!(zone(&Root::default(), Some(OsStr::new(tz))), utc(), "{tz}");
        }
    }

    #[test]
    fn tz_is_not_the_zone_of_syslogd() {
        let dir = image(&[("etc/localtime", "->/usr/share/zoneinfo/Europe/Berlin")]);
        let root = Root::new(dir.path());
        let tz = Some(OsStr::new("Asia/Tokyo"));
        let own = zone(&root, tz);
        assert_eq!(Some(own), Zone::named("Asia/Tokyo"));
        assert_eq!(
            Some(zone_of_syslogd(&root, tz, own)),
            Zone::named("Europe/Berlin")
        );
    }
}
