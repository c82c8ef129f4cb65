# The scheduled runs of relay-tools. Where systemd runs, its timers relay-tools-*.timer do this, and these lines do nothing.
#
# Settings: /etc/default/relay-tools
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Yesterday's figures are kept (/var/lib/relay-tools/days) before logrotate moves the logs on, and written as metrics.
15 0 * * *  root  if [ -x /usr/sbin/mail-stats-print ] && [ ! -d /run/systemd/system ]; then . /etc/default/relay-tools; mail-stats-print -q --save-day; [ ! -d "$METRICS_DIR" ] || mail-stats-print -q --date yesterday --format prom --output "$METRICS_DIR/relay_mail_yesterday.prom"; fi
# The daily mail.
0 7 * * *  root  if [ -x /usr/sbin/mail-stats-print ] && [ ! -d /run/systemd/system ]; then . /etc/default/relay-tools; [ -z "$REPORT_TO" ] || mail-stats-print -q --format report $(printf ' --mail-to \%s' $REPORT_TO); fi
# Metrics.
* * * * *  root  if [ -x /usr/sbin/mail-stats-print ] && [ ! -d /run/systemd/system ]; then . /etc/default/relay-tools; [ ! -d "$METRICS_DIR" ] || { mail-stats-print -q --follow-state /var/lib/relay-tools/follow.json --format prom --output "$METRICS_DIR/relay_mail.prom"; mailq-distribution -q --format prom --output "$METRICS_DIR/relay_mailq.prom"; }; fi

# Pauses end when they are due.
* * * * *  root  if [ -x /usr/sbin/relay-limit ] && [ -e /var/lib/relay-tools/limits/journal.jsonl ] && [ ! -d /run/systemd/system ]; then relay-limit tick; fi
# Rules that pause or slow down by themselves, if there are any (relay-limit(8), REACTING BY ITSELF).
* * * * *  root  if [ -x /usr/sbin/relay-limit ] && [ -e /etc/relay-tools/react.toml ] && [ ! -d /run/systemd/system ]; then relay-limit react; fi

# Nothing is removed for good by itself: who wants journals of moves to go after 90 days, and what queue-move delete keeps to
# go when its time is over, enables this line.
#17 3 * * *  root  queue-move prune -q --older-than 90d --yes

# Who warms up a new address (relay-warmup(8)) has the day's cap applied with this line, and a mail when it changes.
#20 0 * * *  root  relay-warmup apply aol-c -q

# Without a monitoring system cron can do its work: with -q a check prints only what is not well, and cron mails it.
#*/15 * * * *  root  mail-stats-print --check -q --since 1h
#*/15 * * * *  root  mailq-distribution --check -q --warn-count 200 --crit-count 500
#*/5 * * * *  root  relay-limit list --check -q
