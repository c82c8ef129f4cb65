//! A line into its event.

use crate::Time;
use std::ops::Range;

use super::arrivals;
use super::clock::Clock;
use super::complaint::{self, Complaint, Severity};
use super::cursor::Cursor;
use super::delivery::{self, Message, Word};
use super::event::{Agent, Delivery, Event, Expired};
use super::filtered::{self, FilterLine, Filtered, Scan};
use super::header::{self, Header};
use super::lost;
use super::placed::When;
use super::stamp::Minute;
use super::torn;
use super::unread::{MOST_DELIVERIES, Why, looks_like_delivery, opens_like_delivery};
use super::wanted::Wanted;

/// Turns lines into events.
#[derive(Debug, Clone)]
pub(super) struct Extractor {
    pub(super) wanted: Wanted,
    /// Only events of this time.
    pub(super) window: Option<Range<Time>>,
    pub(super) clock: Clock,
    /// When the last line was written, where times do not matter.
    pub(super) minute: Minute,
    /// When the line at hand was written, where there is a window.
    pub(super) met: Option<Time>,
    /// How many lines in a row were later than the window.
    pub(super) past: u64,
    /// No line is so late, but one that a wrong clock has dated.
    pub(super) future: Time,
    /// Is the last line whose time is a true one outside the window?
    pub(super) is_outside: bool,
    /// What else the line may say, by what strangers wrote in it.
    pub(super) doubt: Option<&'static str>,
    /// Did journald note that the last line is not Postfix's?
    pub(super) is_strangers: bool,
    /// Is the line at hand a delivery outside the window?
    pub(super) is_elsewhere: bool,
    /// May the text at hand hold a zero byte, or a carriage return?
    pub(super) may_hold_controls: bool,
}

impl Extractor {
    /// The event in a line of a plain log, if it is one that is asked for.
    pub(super) fn line<'a>(&mut self, line: &'a [u8]) -> Option<Event<'a>> {
        self.is_elsewhere = false;
        let header = match self.is_timed() {
            true => header::read(line),
            false => header::read_untimed(line, &mut self.minute),
        };
        match header {
            Ok(header) => {
                let event = self.message(&header);
                if !matches!(event, Some(Event::Delivery(_) | Event::Unparsed { .. })) {
                    self.doubt(&header);
                }
                event
            }
            Err(headless) => self.headless(line, headless),
        }
    }

    /// A line of another service, or program, may be cut off, and a delivery's stand behind the cut, which is not
    /// counted then: what others log is strangers' text, and may quote it.
    pub(super) fn doubt(&mut self, header: &Header<'_>) {
        let is_doubtful =
            !self.is_elsewhere && torn::holds_line(header.message) && self.placed(header).1;
        self.doubt = is_doubtful.then_some(torn::ANOTHER_LINE);
    }

    /// The event in a message.
    #[inline]
    pub(super) fn message<'a>(&mut self, header: &Header<'a>) -> Option<Event<'a>> {
        let Some(slash) = header.program.iter().rposition(|&b| b == b'/') else {
            let found = self.scanned(header).or_else(|| self.lost(header));
            return found.or_else(|| self.serviceless(header));
        };
        let (tag, service) = header.program.split_at_checked(slash)?;
        if tag.is_empty() {
            return None;
        }
        if let Some(complaint) = complaint::parse(header.message) {
            return self.complaint(header, tag, service, complaint);
        }
        match Agent::from_service(service.get(1..)?) {
            Some(agent) => self.delivery(header, tag, agent),
            None if service == b"/qmgr" && (self.wanted.expired || self.wanted.senders) => {
                self.queue_manager(header, tag)
            }
            None if service == b"/pickup" && self.wanted.requeued => {
                arrivals::requeued(header.message, tag)
            }
            None if self.wanted.connects && service == b"/smtpd" => self
                .connected(header, tag)
                .or_else(|| self.filtered(header, tag, service)),
            None => self
                .filtered(header, tag, service)
                .or_else(|| self.strange_service(header, tag)),
        }
    }

    #[inline]
    fn delivery<'a>(
        &mut self,
        header: &Header<'a>,
        tag: &'a [u8],
        agent: Agent,
    ) -> Option<Event<'a>> {
        let attempt = match delivery::parse_inlined(header.message) {
            Message::Other if torn::begins_line(header.message) => {
                return self.unparsed(header, tag, Why::TwoLines);
            }
            Message::Other if opens_like_delivery(header.message) => {
                return self.unparsed(header, tag, Why::QueueId);
            }
            Message::Other => return None,
            Message::Broken(why) => return self.unparsed(header, tag, why),
            Message::Attempt(attempt) => attempt,
        };
        let Word::Delivery(status) = attempt.status else {
            return None;
        };
        // Postfix writes no control character: lines were torn into one.
        if self.may_hold_controls
            && let Some(at) = memchr::memchr2(0, b'\r', header.message)
            && looks_like_delivery(header.message.get(at..).unwrap_or_default())
        {
            return self.unparsed(header, tag, Why::Torn);
        }
        let time = match self.time(header) {
            When::At(time) => Some(time),
            When::NotAsked => None,
            When::Unknown if self.window.is_none() => None,
            unplaced @ (When::Unknown | When::Ahead) => {
                return Some(Event::Unparsed {
                    host: header.host,
                    tag,
                    time: None,
                    why: match unplaced {
                        When::Ahead => Why::Ahead,
                        _ => Why::Unplaced,
                    },
                });
            }
            When::Outside => {
                self.is_elsewhere = true;
                return None;
            }
        };
        self.doubt = torn::holds_more(&attempt);
        Some(Event::Delivery(Delivery {
            time,
            host: header.host,
            tag,
            agent,
            queue_id: attempt.queue_id,
            recipient: attempt.recipient,
            orig_recipient: attempt.orig_recipient,
            relay: attempt
                .relay
                .filter(|_| self.wanted.relays)
                .map(delivery::relay),
            delay: attempt
                .delay
                .filter(|_| self.wanted.delays)
                .and_then(delivery::seconds),
            delays: attempt
                .delays
                .filter(|_| self.wanted.delays)
                .and_then(delivery::delays),
            dsn: attempt.dsn,
            status,
            reply: attempt.reply,
            repeat: attempt.repeat,
        }))
    }

    /// A line that cannot be read, unless it is of another time.
    pub(super) fn unparsed<'a>(
        &mut self,
        header: &Header<'a>,
        tag: &'a [u8],
        why: Why<'a>,
    ) -> Option<Event<'a>> {
        let time = match self.time(header) {
            When::Outside | When::Ahead => return None,
            When::At(time) => Some(time),
            When::NotAsked | When::Unknown => None,
        };
        let host = header.host;
        Some(Event::Unparsed {
            host,
            tag,
            time,
            why,
        })
    }

    /// A complaint.
    fn complaint<'a>(
        &mut self,
        header: &Header<'a>,
        tag: &'a [u8],
        service: &'a [u8],
        (severity, text, repeat): (Severity, &'a [u8], u64),
    ) -> Option<Event<'a>> {
        let (time, true) = self.placed(header) else {
            return None;
        };
        Some(Event::Complaint(Complaint {
            time,
            host: header.host,
            tag,
            service: service.get(1..)?,
            severity,
            text,
            repeat,
        }))
    }

    /// What a syslog daemon says of messages that it threw away.
    pub(super) fn lost<'a>(&mut self, header: &Header<'a>) -> Option<Event<'a>> {
        let lost = lost::parse(header.program, header.message)?;
        self.placed(header).1.then_some(Event::Dropped(lost))
    }

    fn queue_manager<'a>(&mut self, header: &Header<'a>, tag: &'a [u8]) -> Option<Event<'a>> {
        let mut c = Cursor(header.message);
        let repeat = delivery::repeated(&mut c, MOST_DELIVERIES);
        let queue_id = delivery::queue_id(&mut c)?;
        if self.wanted.senders && c.0 == b"removed" {
            let host = header.host;
            return Some(Event::Removed {
                host,
                tag,
                queue_id,
            });
        }
        if !c.eat(b"from=<") {
            return None;
        }
        let sender = delivery::address(&mut c)?;
        let forced = c.eat(b"status=force-expired, returned to sender");
        if forced || c.eat(b"status=expired, returned to sender") {
            let Some(repeat) = repeat else {
                let found = self.unparsed(header, tag, Why::Repeated);
                return found.filter(|_| self.wanted.expired);
            };
            let time = match self.time(header) {
                When::At(time) => Some(time),
                When::NotAsked => None,
                When::Unknown if self.window.is_none() => None,
                When::Unknown | When::Outside | When::Ahead => return None,
            };
            return self.wanted.expired.then_some(Event::Expired(Expired {
                time,
                host: header.host,
                tag,
                queue_id,
                sender,
                forced,
                repeat,
            }));
        }
        // Handed on whatever the window: the message may be delivered inside it.
        if !self.wanted.senders || !c.0.starts_with(b"size=") {
            return None;
        }
        let (time, inside) = match self.wanted.filtered {
            true => self.placed(header),
            false => (None, true),
        };
        Some(Event::Sender {
            host: header.host,
            tag,
            queue_id,
            sender,
            time,
            inside,
        })
    }

    /// smtpd has a client.
    fn connected<'a>(&mut self, header: &Header<'a>, tag: &'a [u8]) -> Option<Event<'a>> {
        let (name, address) = arrivals::client(header.message)?;
        self.placed(header).1.then_some(Event::Connected {
            host: header.host,
            tag,
            name,
            address,
        })
    }

    /// What smtpd, postscreen and cleanup say of mail that was stopped.
    fn filtered<'a>(
        &mut self,
        header: &Header<'a>,
        tag: &'a [u8],
        service: &[u8],
    ) -> Option<Event<'a>> {
        if !self.wanted.filtered {
            return None;
        }
        let found = match service {
            b"/smtpd" => filtered::smtpd(header.message),
            b"/postscreen" => filtered::postscreen(header.message),
            b"/cleanup" => filtered::cleanup(header.message),
            _ => return None,
        };
        let event = match found {
            FilterLine::Other => return None,
            FilterLine::Arrived(queue_id, message_id) => Filtered::Arrived {
                time: self.placed(header).0,
                host: header.host,
                tag,
                queue_id,
                message_id,
            },
            FilterLine::Broken => {
                if !self.placed(header).1 {
                    return None;
                }
                let host = header.host;
                Filtered::Unparsed { host, tag }
            }
            FilterLine::Stopped(stopped) => {
                let (time, true) = self.placed(header) else {
                    return None;
                };
                Filtered::Stop(stopped.into_stop(time, header.host, tag))
            }
        };
        Some(Event::Filtered(event))
    }

    /// What spamd says, whose tag has no instance.
    fn scanned<'a>(&mut self, header: &Header<'a>) -> Option<Event<'a>> {
        if !self.wanted.filtered || header.program != b"spamd" {
            return None;
        }
        let found = filtered::scanned(header.message)?;
        let (time, true) = self.placed(header) else {
            return None;
        };
        Some(Event::Filtered(match found {
            Some(scan) => Filtered::Scan(Scan { time, ..scan }),
            None => Filtered::Unparsed {
                host: b"",
                tag: b"",
            },
        }))
    }
}
