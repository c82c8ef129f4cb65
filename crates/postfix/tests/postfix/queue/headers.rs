//! A milter that edits each message: enough of the protocol (version 6) for Postfix.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

/// What a milter may ask for: all that version 6 has.
const ALL_ACTIONS: u32 = 0x1ff;

/// One edit: the reply's letter and its data, as in Postfix's milter/milter8.c.
pub(crate) type Edit = (u8, Vec<u8>);

/// Serves all connections to `listener`, for as long as the process lives: the sender address chooses the edits.
pub(crate) fn serve(listener: TcpListener, edits: fn(sender: &str) -> Vec<Edit>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that Postfix cuts short is not the milter's business.
            std::thread::spawn(move || talk(stream, edits).ok());
        }
    });
}

fn talk(mut stream: TcpStream, edits: fn(&str) -> Vec<Edit>) -> io::Result<()> {
    let mut sender = String::new();
    loop {
        let (command, data) = read_packet(&mut stream)?;
        match command {
            b'O' => {
                let words = [6_u32, ALL_ACTIONS, 0].map(u32::to_be_bytes);
                write_packet(&mut stream, b'O', &words.concat())?;
            }
            // Macros and aborts have no answer.
            b'D' | b'A' => {}
            b'Q' => return Ok(()),
            b'M' => {
                let address = data.split(|&b| b == 0).next().unwrap_or_default();
                sender = String::from_utf8_lossy(address).into_owned();
                write_packet(&mut stream, b'c', b"")?;
            }
            b'E' => {
                for (letter, data) in edits(&sender) {
                    write_packet(&mut stream, letter, &data)?;
                }
                write_packet(&mut stream, b'c', b"")?;
            }
            _ => write_packet(&mut stream, b'c', b"")?,
        }
    }
}

fn read_packet(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut packet = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut packet)?;
    let command = packet.remove(0);
    Ok((command, packet))
}

fn write_packet(stream: &mut TcpStream, command: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len() + 1).unwrap().to_be_bytes();
    stream.write_all(&[&length, [command].as_slice(), data].concat())
}
