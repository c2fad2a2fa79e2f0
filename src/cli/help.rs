//! What `--help` prints.

pub(super) const MAIN: &str = "\
vitrine - a Linux machine in a glass case: follow a packet through real firewall rules

Usage:
  vitrine trace --rules FILE --packet 'PACKET' [--packet 'PACKET'…] [options]
  vitrine fmt --rules FILE [options]
  vitrine on [DUMP] [options] -- iptables -L -n
  vitrine rules try FILE [options]
  vitrine support [options]
  vitrine lab run|verify|record|export|compare FILE… [options]
  vitrine COMMAND --help

Commands:
  trace     send packets through a ruleset and tell what happens to them, rule by rule
  fmt       print a dump as iptables-save 1.8.9 (nf_tables) would after restoring it
  on        run iptables, iptables-save or iptables-restore on a dump
  rules     try many rules, each alone: taken or refused, and how they are saved
  support   list every match, target and option: modelled, kept or refused
  lab       follow probes through a network of several hosts

Options:
  -h, --help      this text
  -V, --version   the version

A PACKET is one line of text:
  [in=IF] [out=IF] [KEY=VALUE…] PROTOCOL SOURCE > DESTINATION [WORD…]

  in=IF          the interface it comes in by; without it a process on the host sends it
  out=IF         the interface that routing chooses (else the host's routes tell)
  PROTOCOL       tcp, udp, icmp, icmpv6, sctp, dccp, udplite, gre, … or a number
  SOURCE, DESTINATION
                 ADDRESS:PORT, [IPV6]:PORT, or ADDRESS alone where there are no ports
  tcp words      the flags: syn (default), syn,ack  ack  fin,ack  rst  psh,ack  none; mss=N
  icmp words     echo-request (default), echo-reply, port-unreachable, … or type=T/C; id=N;
                 for an error `about PACKET`, last: the packet that it quotes
  other words    ttl=N  tos=N  payload=BYTES  frag=OFFSET or frag=OFFSET+  bad-checksum
  other keys     mark=N  mac=ADDRESS  uid=N gid=N (the sending process)
                 socket=none   the kernel itself sends it; socket=kernel: by a socket of its own
                 ct=new|established|related|invalid|untracked
                           the state of its connection, instead of what came before
                 after=S   seconds after the packet before

Examples:
  in=eth0 tcp 203.0.113.9:40000 > 198.51.100.2:8080 syn
  in=docker0 out=eth0 udp 172.17.0.2:5353 > 203.0.113.53:53
  uid=1000 gid=1000 tcp 198.51.100.2:40000 > 203.0.113.80:443 syn
  in=eth0 icmp 203.0.113.9 > 198.51.100.2 echo-request id=7
  in=eth0 tcp [2001:db8::9]:40000 > [2001:db8::2]:22 syn ttl=57
  in=eth0 icmp 192.0.2.1 > 198.51.100.2 port-unreachable about udp 198.51.100.2:9 > 192.0.2.1:53

Packets given together follow one another: connections, limits and lists are remembered.

Exit status: 0; 1 for a negative answer; 2 for bad usage or input.
";

pub(super) const TRACE: &str = "\
Send packets through a ruleset and tell what happens to them, rule by rule.

Usage: vitrine trace --rules FILE --packet 'PACKET' [--packet 'PACKET'…] [options]

  -r, --rules FILE    what iptables-save or ip6tables-save printed; `-` for standard input
  -p, --packet TEXT   a packet; `vitrine --help' says how it is written
  -f, --family 4|6    the family of the rules; else the packets tell
  -H, --host FILE     the host: what `ip -br addr` and `ip route` print (also `ip addr`, and lines
                      such as `net.ipv4.ip_forward = 0`). Without it the host is worked out from
                      the rules and the packets, and each conclusion is printed.
      --ipset FILE    the sets that rules name: what `ipset save` prints. Without it a rule that names a
                      set is kept, and unknown to every packet
      --all           print the rules that did not match too, each with what failed first
  -j, --json          print JSON, with every event
      --lang en|ko    the language of the sentences

Where a rule cannot be decided (a match that is not modelled, an interface that is not known) each
way that the packet may go is printed.

Exit status: 0 if every packet gets through, 1 if one does not or may not, 2 for bad input.
";

pub(super) const FMT: &str = "\
Print a dump as iptables-save 1.8.9 (nf_tables) would after restoring it.

Usage: vitrine fmt --rules FILE [options]

  -r, --rules FILE    the dump; `-` for standard input
  -f, --family 4|6    the family; else the text tells
  -c, --counters      keep and print the counters, as iptables-restore -c and iptables-save -c do

The two comment lines that iptables-save prints around each table hold the date; they are left out.

Exit status: 0, 2 for a dump that iptables-restore would refuse.
";

pub(super) const ON: &str = "\
Run one of the programs that work on rules, as iptables 1.8.9 (nf_tables) would do it, on a dump.

Usage: vitrine on [DUMP] [options] -- PROGRAM [ARGUMENT…]
       vitrine on [DUMP] [options] --script FILE

  DUMP                what iptables-save printed; `-` for standard input. Without it there are no rules yet.
  -f, --family 4|6    the family of the dump; else its text tells
      --ipset FILE    the host's IP sets, as `ipset save` printed them
  -w, --write         put the rules as they are afterwards, with counters, in the place of DUMP; without a
                      file print them
  -s, --script FILE   a command a line, one after the other on the same rules; prints a line of JSON for
                      each: argv, stdout, stderr, status. A line may be JSON itself: {\"argv\": […],
                      \"stdin\": \"…\"}.

PROGRAM is iptables, iptables-save, iptables-restore, one of them with ip6 or with -nft in its name, or ipset.

Exit status: that of the program.
";

pub(super) const RULES: &str = "\
Try many rules, each alone on empty tables: is it taken, with which words is it refused, how is it saved?

Usage: vitrine rules try FILE [options]

  FILE                a line of JSON for each rule; `-` for standard input:
                      {\"family\": \"ip\"|\"ip6\", \"table\": \"filter\", \"argv\": [\"-A\", \"INPUT\", …]}, or instead
                      of argv \"chain\" and \"rule\", the rule as text
  -j, --json          print a line of JSON for each: ok, rc, save, err

Exit status: 0 if all lines could be tried, taken or not; 2 for bad input.
";

pub(super) const SUPPORT: &str = "\
List every match, target and option, and what the model does with it.

Usage: vitrine support [options]

  -j, --json          print JSON

modelled: read, printed and evaluated as Linux does
kept:     read, checked and printed back; unknown to every packet
refused:  refused, as iptables 1.8.9 or Linux 6.18 refuse it
";

pub(super) const LAB: &str = "\
Follow probes through a network of several hosts, which a lab file describes.

Usage: vitrine lab run LAB [--json]
       vitrine lab verify LAB [--json]
       vitrine lab record LAB [--json]
       vitrine lab export --to bash LAB
       vitrine lab compare LINUX MODEL [--score]

  run        what the model says of each probe: every pass through every host, connections, sockets,
             counters
      --json      as JSON, with all that is known
  verify     do the probes on this machine's own kernel too, in namespaces that leave nothing behind,
             and compare; needs root on Linux, iproute2, iptables (nf_tables), nftables, ipset for sets
      --json      the figures and the differences as JSON
  record     what this machine's kernel does, in the same form as `run`
      --json      as JSON, with all that is known
  export     print a script that builds the lab on a real Linux machine and does its probes
      --to bash   the only kind there is
  compare    compare what Linux did with what the model says, probe by probe, in six layers: fate,
             path, packet, state, ends, counters
      --score     print only how many probes agree in each, as JSON

LAB is a file as docs/labs.md describes it, `-` for standard input; LINUX and MODEL are files that
`lab run --json` wrote, or that were recorded from a real kernel.

Exit status: 0; 1 where a comparison finds differences; 2 for bad input.
";
