#!/bin/bash
# Runs as root in the booted system, with the packages beside it: what an mailadmin does with them, in that order.
# Every line that begins with "ok" was tried; when one is not, the journal follows at the end.
set -u
cd "$(dirname "$0")"
HERE=$PWD UP=/srv/upstream ARRIVED=/srv/upstream/arrived.jsonl
deb=$(ls "$HERE"/sluice_*.deb) mta=$(ls "$HERE"/sluice-mta_*.deb) later=$(ls "$HERE"/later_*.deb)
export DEBIAN_FRONTEND=noninteractive

failed=0
ok() { # SENTENCE COMMAND…
  local sentence=$1; shift
  if "$@"; then echo "ok - $sentence"; else echo "not ok - $sentence"; failed=$((failed + 1)); fi
}
until_() { for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep .1; done; echo "waited in vain: $*"; return 1; }
quiet() { "$@" >/dev/null; }
silent() { local out; out=$("$@" 2>&1); [ -z "$out" ] || { echo "$out"; return 1; }; }
not() { ! "$@"; }
says() { # WORDS COMMAND…: it prints them, whatever its exit code
  local words=$1 out; shift
  out=$("$@" 2>&1)
  grep -qF -- "$words" <<<"$out" || { echo "$out"; return 1; }
}
install() { apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$HERE/apt.log" 2>&1 || { cat "$HERE/apt.log"; return 1; }; }
arrived() { [ "$(grep -cF "\"subject\":\"$1\"" "$ARRIVED" 2>/dev/null)" = "${2:-1}" ]; }
property() { systemctl show -P "$1" sluice.service; }
send() { # SUBJECT
  swaks --server 127.0.0.1 --from portal@lab.example --to ops@lab.example --header "Subject: $1" --silent 2 </dev/null
}
send6() { # SUBJECT: a script that says it all without waiting
  local lines=("HELO app" "MAIL FROM:<portal@lab.example>" "RCPT TO:<root>" DATA "Subject: $1" "" text . QUIT)
  exec 3<>/dev/tcp/::1/25
  printf '%s\r\n' "${lines[@]}" >&3
  timeout 10 grep -q '^250 2.0.0 queued as' <&3
}
as() { local user=$1; shift; setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"; }

# --- installed --------------------------------------------------------------------------------------------------------
ok "apt installs it with what it depends on" install "$deb"
ok "nothing is enabled or started by that" not systemctl --quiet is-active sluice.service sluice.socket sluice-ipv6.socket
ok "no Redis service came with it" not systemctl cat redis-server.service 2>/dev/null
ok "it has a Redis server all the same" says "Redis server" sh -c 'PATH=/usr/lib/sluice/redis:$PATH redis-server --version'
ok "its config is readable by everybody" [ "$(stat -c %a /etc/sluice/sluice.yaml)" = 644 ]
ok "before it has a password it says so" says "/etc/sluice/portal.password does not exist" sluice check
ok "the units are free of mistakes" silent systemd-analyze verify sluice.service sluice.socket sluice-ipv6.socket
systemd-analyze security --offline=yes --no-pager /lib/systemd/system/sluice.service | tail -1
ok "their exposure is 1.5 at most" quiet systemd-analyze security --offline=yes --threshold=15 --no-pager /lib/systemd/system/sluice.service

# --- an upstream with TLS, from the same package; its own user, as it is another machine's program in life
mkdir -m 700 "$UP"
systemd-run --quiet --unit=upstream /usr/bin/sluice sandbox --dir "$UP" --user portal --sender portal@lab.example
ok "the upstream listens" until_ test -s "$UP/password"
command install -m 644 "$UP/ca.pem" /etc/sluice/ca.pem
command install -m 600 -o sluice -g sluice "$UP/password" /etc/sluice/portal.password
cat >/etc/sluice/sluice.yaml <<'YAML'
hostname: app01.lab.example
upstream: { hosts: [127.0.0.1], port: 2587, security: starttls, caFile: /etc/sluice/ca.pem }
accounts:
  - name: portal
    username: portal
    passwordFile: /etc/sluice/portal.password
    senders: [portal@lab.example]
    pace: unlimited
senders:
  rewrite: [{ match: "*@*", to: portal@lab.example }]
recipients: { aliases: { root: ops@lab.example, "*@app01.lab.example": ops@lab.example } }
notices: { from: portal@lab.example }
YAML

# --- it works ---------------------------------------------------------------------------------------------------------
ok "the service user may read the config and the password" as sluice sluice check
ok "systemctl enable --now starts it" systemctl --quiet enable --now sluice.service
ok "its status says how it stands" until_ says "messages in custody; mail flows" systemctl status sluice.service
ok "mail to 127.0.0.1 is taken" send first
ok "mail to ::1 is taken" send6 second
ok "both went out through TLS with the password" until_ arrived first
ok "and once each" until_ arrived second
as nobody swaks --server 127.0.0.1 --from cron@app01 --to root --header "Subject: from nobody" --silent 2 </dev/null
ok "the user whose program sent is known in the sandbox of the unit" until_ says '"user":"nobody"' journalctl -u sluice.service -o cat
ok "its Redis runs within the unit, and has no TCP port" says "redis-server" systemctl status sluice.service
ok "nothing of it was denied" not journalctl -q -u sluice.service -o cat --grep='EPERM|EACCES|not permitted|denied'
command useradd --system --user-group --groups sluice mailadmin
ok "a member of the group sluice reaches the agent" as mailadmin sluice queue stats
ok "another user does not" says "member of the group sluice" as nobody sluice queue stats

# --- reload and restart -----------------------------------------------------------------------------------------------
pid=$(property MainPID)
ok "a good config is reloaded" systemctl reload sluice.service
ok "and said to be" until_ journalctl -q -u sluice.service -o cat --grep='"event":"reloaded"'
cp /etc/sluice/sluice.yaml good.yaml
sed -i 's/^hostname:/hostnaem:/' /etc/sluice/sluice.yaml
ok "a broken config makes systemctl reload fail" not systemctl --quiet reload sluice.service
ok "with the problem in the journal" until_ journalctl -q -u sluice.service -o cat --grep=hostnaem
ok "the status mentions it" until_ says "the config needs a look" systemctl status sluice.service
ok "the one before stays in force" send after-broken-reload
ok "in the same process" [ "$pid" = "$(property MainPID)" ]
cp good.yaml /etc/sluice/sluice.yaml
ok "the mended one is reloaded" systemctl reload sluice.service

under_load() { # LABEL COMMAND…
  local label=$1 code=0; shift
  rm -f stop
  /usr/lib/sluice/node guest-load.mjs "$label" "$HERE/stop" >"accepted.$label" 2>"seen.$label" &
  local load=$!
  until_ test -s "accepted.$label"
  "$@" || code=1
  sleep 1 # of load after it
  touch stop
  wait "$load" || code=1
  echo "   $label: $(cat "seen.$label")"
  return $code
}
all_arrived() { # LABEL
  grep -oP "\"subject\":\"\K$1-[^\"]*" "$ARRIVED" | sort >"arrived.$1"
  [ -z "$(comm -23 <(sort "accepted.$1") "arrived.$1")" ]
}
# What was accepted without our seeing the 250 may be there too; nothing may be there twice.
once() { [ -z "$(uniq -d "arrived.$1")" ]; }
ok "restarted under load, twice, no connection is refused" under_load restart sh -c 'systemctl restart sluice && sleep 1 && systemctl restart sluice'
ok "and nothing is lost" until_ all_arrived restart
ok "or repeated" once restart

# --- trouble ----------------------------------------------------------------------------------------------------------
mkdir -p /etc/systemd/system/sluice.service.d
printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=2\nRestartSec=100ms\n' >/etc/systemd/system/sluice.service.d/test.conf
systemctl daemon-reload && systemctl restart sluice.service
pid=$(property MainPID)
sleep 7
ok "it gives signs of life" [ "$pid" = "$(property MainPID)" ]
kill -STOP "$pid"
other() { [ "$(property ActiveState)" = active ] && [ "$(property MainPID)" != "$pid" ]; }
ok "an agent that hangs is restarted by the watchdog" until_ other
ok "by the watchdog, indeed" journalctl -q --grep='sluice.service: Watchdog timeout'
pid=$(property MainPID)
kill -9 "$pid"
ok "one that is killed is started again" until_ other
ok "and takes mail" send after-kill
ok "that goes out" until_ arrived after-kill
rm -r /etc/systemd/system/sluice.service.d && systemctl daemon-reload
sed -i 's/^hostname:/hostnaem:/' /etc/sluice/sluice.yaml
ok "it does not start with a broken config" not systemctl restart sluice.service 2>/dev/null
send while-broken >/dev/null 2>&1 &
sender=$!
sleep 1
cp good.yaml /etc/sluice/sluice.yaml
ok "who connected meanwhile is answered when the config is mended" wait "$sender"
ok "and the mail goes out" until_ arrived while-broken

# --- a password as a credential; a machine without IPv6 -----------------------------------------------------------------
mkdir -p /etc/systemd/system/sluice.service.d
printf '[Service]\nLoadCredential=portal:/srv/upstream/password\n' >/etc/systemd/system/sluice.service.d/test.conf
sed -i 's|passwordFile: .*|passwordFile: ${CREDENTIALS_DIRECTORY}/portal|' /etc/sluice/sluice.yaml
systemctl daemon-reload
ok "it takes its password from a credential" systemctl restart sluice.service
ok "and sends with it" send with-credential
ok "as before" until_ arrived with-credential
ok "and reloads" systemctl reload sluice.service
rm -r /etc/systemd/system/sluice.service.d && systemctl daemon-reload
cp good.yaml /etc/sluice/sluice.yaml
ok "stopping the first socket stops all of it" systemctl stop sluice.socket
ok "the other socket, too" not systemctl --quiet is-active sluice.service sluice-ipv6.socket
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
ok "without IPv6 it starts" systemctl start sluice.service
ok "and takes mail" send without-ipv6
ok "at the one address there is" not systemctl --quiet is-active sluice-ipv6.socket
echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
ok "with IPv6 again it has both" systemctl restart sluice.socket sluice-ipv6.socket sluice.service
ok "and takes mail there" send6 with-ipv6

# --- sendmail ---------------------------------------------------------------------------------------------------------
if sluice --help | grep -q '^  sendmail'; then
  ok "sendmail's package is the mail transport agent that others depend on" install "$mta" bsd-mailx
  ok "mail sends" sh -c 'echo text | mail -s from-mail root'
  ok "and it goes out" until_ arrived from-mail
  ok "PHP sends" php -r 'exit(mail("root", "from-php", "text") ? 0 : 1);'
  ok "and it goes out" until_ arrived from-php
  systemctl start cron
  echo '* * * * * nobody echo said by cron' >/etc/cron.d/test
  ok "cron sends what a job says" sh -c 'for _ in $(seq 90); do grep -q "Cron <nobody@" /srv/upstream/arrived.jsonl && exit; sleep 1; done; exit 1'
  rm /etc/cron.d/test
  ok "mailq shows the queue to the group sluice" quiet as mailadmin mailq
else
  echo "SKIPPED - mail, PHP and cron by sendmail: this sluice has no command sendmail"
fi

# --- upgrade, removal, purge ------------------------------------------------------------------------------------------
pid=$(property MainPID)
ok "upgraded under load, no connection is refused" under_load upgrade install "$later"
ok "the new version runs" says '+later' sluice --version
other_agent() { [ "$(property MainPID)" != "$pid" ] && [ "$(property ActiveState)" = active ]; }
ok "in the service, too" until_ other_agent
ok "the edited config stayed" cmp good.yaml /etc/sluice/sluice.yaml
ok "nothing was lost" until_ all_arrived upgrade
ok "or repeated" once upgrade

systemctl stop upstream
ok "mail for an upstream that is away is taken" send kept
ok "removed, it says nothing bad" apt-get remove -y -qq sluice
ok "nothing listens on port 25" not send nobody-there 2>/dev/null
ok "no process of it is left" not pgrep -u sluice
ok "config and mail are still there" test -s /etc/sluice/sluice.yaml -a -n "$(ls /var/lib/sluice/spool)"
ok "installed again, it is as it was" install "$deb"
ok "enabled" systemctl --quiet is-enabled sluice.service
ok "purged, it keeps mail that is not delivered and says so" says "there is mail in /var/lib/sluice/spool" apt-get purge -y -qq sluice
ok "it is there" test -n "$(ls /var/lib/sluice/spool)"
ok "installed for the last time" install "$deb"
echo "sluice sluice/purge-mail boolean true" | debconf-set-selections
ok "purged when mail may go" apt-get purge -y -qq sluice
left() { find / -xdev \( -path /root/t -o -path /srv -o -path /var/log/journal -o -path /var/cache/apt \) -prune -o -iname '*sluice*' -print; }
ok "nothing is left of it" silent left
ok "nor its user" not getent passwd sluice
[ "$failed" = 0 ] || journalctl --no-pager -o cat -u 'sluice*' | cut -c1-300 | tail -200
echo "$failed failed"
[ "$failed" = 0 ]
