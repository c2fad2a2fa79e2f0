#!/bin/bash
# Records what conntrack 1.4.7 answers to words, in a fresh network namespace (root; iptables, conntrack):
#
#     unshare -n tests/record/conntrack.sh > tests/data/conntrack.txt
#
# A command, what it wrote (both streams), its exit status; an empty line between.
set -u
ip link set lo up
iptables -A INPUT -m conntrack --ctstate NEW
t() { printf '$ %s\n' "$*"; conntrack "$@" 2>&1; printf 'exit %s\n\n' "$?"; }

t -I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80 --state ESTABLISHED -t 500 -u SEEN_REPLY,ASSURED -m 5
t -I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1001 --dport 53 -t 100
t -I -s fd00::1 -d fd00::2 -p udp --sport 1001 --dport 53 -t 100
t -I -s 10.0.0.3 -d 10.0.0.2 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 7 -t 100
t -I -s 10.0.0.4 -d 10.0.0.2 -p tcp --sport 1004 --dport 80 --state SYN_SENT -t 60 -w 3 -g 192.168.1.1:99
t -L
t -L -f ipv6
t -L -o extended
t -L -o save
t -L -p tcp
t -L -p udp --dport 53
t -L -p tcp --orig-port-src 1000
t -L -p tcp --reply-port-src 80
t -L -s 10.0.0.1
t -L -d 10.0.0.2 -p icmp
t -L -r 10.0.0.2 -p udp
t -L -q 10.0.0.1 -p udp
t -L -s 10.0.0.0/30
t -L -s 10.0.0.0 --mask-src 255.255.255.252
t -L --state ESTABLISHED -p tcp
t -L -p tcp --state ESTABLISHED
t -L -p tcp --state NOPE
t -L -u ASSURED
t -L --status UNREPLIED
t -L -u UNSET
t -L -m 5
t -L -m 0x4/0x4
t -L -w 3
t -L -w 0
t -L --orig-zone 3
t -L -g
t -L -n
t -L -j
t -L expect
t -L nope
t -C
t -C expect
t -G -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1000 --dport 80
t -G -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 9 --dport 80
t -G -p tcp
t -U -s 10.0.0.1 -p tcp -m 9
t -U -p tcp -s 10.0.0.1 -t 77
t -U -p tcp -s 10.0.0.1 -u NOPE
t -U -s 1.1.1.1 -m 1
t -U -s 10.0.0.1 -p tcp -m 9
t -U -p tcp -m 9
t -U -p tcp -s 10.0.0.1 -u ASSURED
t -D -p udp --dport 53
t -D -p udp --dport 53
t -I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1001 --dport 53 -t 100
t -I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1001 --dport 53 -t 100
t -I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1002 --dport 53
t -I -s 10.0.0.1 -p udp --sport 1002 --dport 53 -t 5
t -I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1002 --dport 53 -t 5
t -I -s 10.0.0.1 -d 10.0.0.2 -p tcp --sport 1002 --dport 53 -t 5 --state NOPE
t -I -s 10.0.0.1 -d 10.0.0.2 -t 5
t -L -p tcp -p udp
t -L -s nope
t -L -s 10.0.0.1 -d fd00::1
t -L -p nope
t -L --dport 80
t -L -p udp --state ESTABLISHED
t -L -p icmp --sport 4
t -L -o nope
t -L -u NOPE
t -L -m x
t -L -w x
t -L -w 70000
t -L -f ipv5
t -L -f ipv4 -s fd00::1
t -L -t 5
t -L foo bar
t -D
t -F
t -F expect
t -L conntrack
t -V
t -h
t -Z
t -L -Z
t -L -D
t -E -p
t --nope
t -s 1.1.1.1
