//! Waking pickup, whose FIFO or socket is in a directory of the mail owner's.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::common::*;
use crate::owner::{Loop, Victim, give, is_root, theirs};
use transfer::wake_pickup;

/// TO's `public`, in which the mail owner has done this, beside what he would like to change.
fn public(script: &str) -> (Spools, Victim) {
    let mut spools = Spools::new(false);
    fs::create_dir(spools.to.queue_directory.join("public")).unwrap();
    give(&mut spools.to);
    let victim = Victim::new(spools.to.queue_directory.parent().unwrap());
    let public = spools.to.queue_directory.join("public");
    assert!(
        theirs(&public, victim.0.path(), script)
            .status()
            .unwrap()
            .success()
    );
    (spools, victim)
}

#[test]
fn what_is_laid_in_pickups_place_is_neither_written_to_nor_waited_for() {
    if !is_root() {
        return;
    }
    for script in [
        "ln -s $V/hold/4A2A51C04C pickup",
        "echo mine > pickup",
        "mkdir pickup",
        "mkfifo pickup",
        "ln -s /dev/full pickup",
        "cd ..; mv public x; ln -s $V public",
        "true",
    ] {
        let (spools, victim) = public(script);
        let before = victim.state();
        assert!(wake_pickup(&spools.to).is_err(), "{script}");
        assert_eq!(victim.state(), before, "{script}");
    }
}

#[test]
fn links_fifos_and_sockets_exchanged_in_a_loop_are_never_written_through() {
    if !is_root() {
        return;
    }
    let (spools, victim) = public("mkfifo fifo; ln -s $V/hold/4A2A51C04C link");
    let before = victim.state();
    let path = spools.to.queue_directory.join("public");
    let _reader = fs::File::options()
        .read(true)
        .write(true)
        .open(path.join("fifo"))
        .unwrap();
    let script = "mv -T fifo pickup; mv -T pickup fifo; mv -T link pickup; mv -T pickup link";
    let attack = Loop::new(&path, victim.0.path(), script);
    let woken = (0..5_000)
        .filter(|_| wake_pickup(&spools.to).is_ok())
        .count();
    drop(attack);
    assert!(woken > 0, "the attack left no time to wake anybody");
    assert_eq!(victim.state(), before);
}

#[test]
fn pickup_is_woken_by_its_fifo_or_its_socket_and_never_waited_for() {
    if !is_root() {
        return;
    }
    let (spools, _victim) = public("mkfifo pickup");
    let path = spools.to.queue_directory.join("public/pickup");
    let mut pickup = fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    wake_pickup(&spools.to).unwrap();
    let mut said = [0];
    pickup.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"W");
    // Full: nobody reads.
    nix::fcntl::fcntl(
        &pickup,
        nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
    )
    .unwrap();
    while pickup.write(&[0; 4096]).is_ok() {}
    while pickup.write(&[0]).is_ok() {}
    assert_eq!(
        wake_pickup(&spools.to).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );

    fs::remove_file(&path).unwrap();
    let socket = UnixListener::bind(&path).unwrap();
    wake_pickup(&spools.to).unwrap();
    let mut woken = socket.accept().unwrap().0;
    woken
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    woken.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"W");
    // Nobody accepts, and no more can wait.
    let least = nix::sys::socket::Backlog::new(0).unwrap();
    nix::sys::socket::listen(&socket, least).unwrap();
    while wake_pickup(&spools.to).is_ok() {}
    assert_eq!(
        wake_pickup(&spools.to).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    // A link to it is none.
    fs::rename(&path, path.with_file_name("other")).unwrap();
    symlink("other", &path).unwrap();
    assert!(wake_pickup(&spools.to).is_err());
}
