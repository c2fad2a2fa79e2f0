# What happens to a packet, one sentence an event.

begins-wire = A packet comes in by { $iface }: { $packet }
begins-process = A process on this host sends a packet: { $packet }
answers = The kernel answers: { $packet }

routed-local = Routing: { $dst } is this host itself
routed-out = Routing: { $dst } is reached by { $iface }
routed-refused = Routing: a route refuses { $dst }
routed-none = Routing: no route leads to { $dst }
routed-unknown = Routing: which interface leads to { $dst } is not known

fate-delivered = The packet is delivered to this host
fate-sent = The packet leaves by { $iface }
fate-sent-somewhere = The packet leaves, by an interface that is not known
fate-dropped = The packet is dropped
fate-rejected = The packet is dropped, and its sender is told
fate-unknown = What becomes of the packet is not known
fate-lost-no-route = The kernel drops the packet: no route
fate-lost-route-refuses = The kernel drops the packet: a route refuses it
fate-lost-forwarding-off = The kernel drops the packet: this host does not forward (ip_forward is 0)
fate-lost-ttl-exceeded = The kernel drops the packet: its time to live is over
fate-lost-martian = The kernel drops the packet: no packet from outside may have such an address (martian)
fate-lost-clash = The kernel drops the packet: another connection already has its translated addresses and ports

hook-entered = The packet reaches { $hook }

skip-no-table = { $stage }: this table does not exist
skip-no-chain = { $stage }: this table has no chain at { $hook }
skip-tracking-off = { $stage }: off, since no rule needs connection tracking
skip-already-tracked = { $stage }: the packet has its connection already
skip-untracked = { $stage }: nothing to do for an UNTRACKED packet
skip-invalid = { $stage }: nothing to do for an INVALID packet
skip-not-first-packet = { $stage }: not asked; the table sees only the first packet of a connection
skip-settled = { $stage }: not asked; this end was settled before the packet went over lo
skip-icmp-error = { $stage }: not asked; the quoted packet’s connection decides
skip-answer = { $stage }: nothing to confirm; this is not the connection’s first packet
skip-confirmed = { $stage }: the connection is in the table already

chain-base = { $table }: the packet enters { $chain }
chain-jump = { $table }: a jump leads into { $chain }
chain-goto = { $table }: a goto leads into { $chain }, and will not lead back here
chain-end = { $table }: the end of { $chain }; the packet goes back
chain-returned = { $table }: RETURN ends { $chain }
policy = { $table } { $chain }: no rule decided, so the policy does: { $policy }

rule-yes = { $chain } { $number } matches: { $rule }
rule-no = { $chain } { $number } does not match: { $part } asks, the packet has { $found }
rule-unknown-taken = { $chain } { $number } may match ({ $part }: { $found }); this way goes on as if it did
rule-unknown-passed = { $chain } { $number } may match ({ $part }: { $found }); this way goes on as if it did not

table-accept = { $table } { $hook }: ACCEPT, the packet goes on
table-drop = { $table } { $hook }: DROP, the packet is gone
table-reject = { $table } { $hook }: REJECT, the packet is gone and its sender is told
table-unknown = { $table } { $hook }: the model cannot follow the packet further

tracked = Connection tracking: { $state }. { $why }
tracked-by-no-entry = No entry has these addresses and ports, so the packet opens a connection.
tracked-by-picked-up = No entry, but a lone ACK is taken for a connection that began before.
tracked-by-entry-original = An entry has them, in the direction of its first packet.
tracked-by-entry-reply = An entry has them, as the answer to its first packet.
tracked-by-quoted = The packet that this error quotes belongs to a known connection.
tracked-by-reopened = The old connection of these ports is over; this opens a new one.
tracked-by-flags = There is no entry, and a packet with such flags opens none.
tracked-by-out-of-state = The connection’s TCP state has no place for such a segment.
tracked-by-out-of-window = It lies outside of the window that the connection’s segments so far leave open.
tracked-by-quoted-unknown = The packet that this error quotes belongs to no known connection.
tracked-by-quoted-elsewhere = It quotes a packet of a known connection, but is not sent to that packet’s sender.
tracked-by-expected = Another connection led to expect it.
tracked-by-no-question = It answers a question that was never asked.
tracked-by-checksum = Its checksum is wrong.
tracked-by-fragment = It is a fragment without its header.
tracked-by-discovery = Neighbour and listener discovery is never tracked.
tracked-by-assumed = You said so.
tracked-by-answer = The kernel made it in answer to a packet of this connection.

ct-created = A new connection, not yet confirmed: { $entry }
ct-confirmed = The first packet got through: the connection is confirmed
ct-status = The connection is now { $status }
ct-tcp = TCP goes from { $from } to { $to }
ct-sctp = SCTP goes from { $from } to { $to }
ct-mark = The connection’s mark is now { $mark }
ct-timeout = The connection now stays for { $seconds } seconds without a packet
ct-expired = A connection timed out: { $entry }
ct-reset = A RST before any answer ends the connection
ct-replaced = The old connection is thrown out: { $entry }
ct-abandoned = The first packet did not get through, so no connection stays
ct-clash = Another connection already has these addresses and ports
ct-evicted = The table is full, so a connection that is not assured gives way: { $entry }
ct-deleted = Somebody deletes a connection: { $entry }
ct-rehomed = The interface or address is gone that a connection was masqueraded by: { $entry }
expect-created = A connection is expected from now on: { $expected }
expect-met = The connection that was expected is here: { $expected }
expect-expired = A connection was expected and did not come in time: { $expected }
expect-replaced = Another expectation takes the place of this one: { $expected }
expect-master-gone = The connection is gone that led to expect this one: { $expected }
kernel-drop-table-full = The table of connections is full (nf_conntrack_max): the packet is dropped
kernel-drop-translated-redirect = An ICMP redirect about a translated connection helps nobody: the packet is dropped
kernel-drop-other-interface = The connection was masqueraded by another interface: the packet is dropped and the connection forgotten
kernel-drop-partial-command = The helper must read this command and sees only a part of it: the packet is dropped
kernel-drop-not-expectable = The connection that the packet agrees on cannot be expected: the packet is dropped

nat-src = The connection’s source will be translated: { $entry }
nat-dst = The connection’s destination will be translated: { $entry }
nat-src-same = It is settled that the source stays as it is
nat-dst-same = It is settled that the destination stays as it is

changed-src = Source { $from } → { $to }
changed-dst = Destination { $from } → { $to }
changed-ttl = Time to live { $from } → { $to }
changed-tos = Type of service { $from } → { $to }
changed-mark = Mark { $from } → { $to }
changed-oif = The packet will leave by { $to }
changed-oif-unknown = The packet will leave by an interface that is not known
changed-gathered = The pieces are put together: { $length } bytes
changed-lo = The packet goes over lo, and comes in by it
changed-ct = The packet now carries its connection: { $to }
changed-mss = Maximum segment size { $from } → { $to }
changed-payload = What it carries { $from } → { $to }
changed-numbers = Sequence and acknowledgement number { $from } → { $to }
changed-template = For connection tracking { $from } → { $to }
changed-quoted = The packet quoted inside: { $from } → { $to }
changed-other = The packet changes: { $from } → { $to }

log-written = A line goes to the log: { $line }
copied = A copy of the packet is sent to { $gateway }

not-known-masquerade-address = The packet is masqueraded, but the address of the outgoing interface is not known; it is left as it is
not-known-target = The target { $name } is not part of the model: what it does is not known
not-known-helper = The helper { $name } is not part of the model: what it does with the packet is not known
not-known-path-mtu = The maximum segment size is to fit the path, whose size is not known; it is left as it is
not-known-queue = The packet goes to a program in userspace; what that decides is not known
not-known-set = What the set { $name } holds, or what of the packet is looked for in it, is not known

set-created = The set { $set } is made: { $what }
set-destroyed = The set { $set } is destroyed
set-flushed = The set { $set } is emptied
set-renamed = The set { $set } is now called { $what }
set-swapped = The sets { $set } and { $what } change places
set-added = { $what } comes into the set { $set }
set-updated = { $what } is in the set { $set } already; its time and what stands beside it are new
set-deleted = { $what } is taken out of the set { $set }
set-expired = The time of { $what } in the set { $set } is up: it is gone
set-gave-way = The set { $set } is full: { $what } gives way

# What was worked out of a host that nobody described.
assumed-own-address = { $addr } is this host’s own address on { $iface }
assumed-network = { $net } lies behind { $iface } (as { $rule } says)
assumed-reached = { $addr } is reached by { $iface }
assumed-default-route = everything else is reached by { $iface }

# Values found in a packet.
found-none = none
found-fragment = it is a later fragment
found-not-fragment = it is not a later fragment
found-tokens = { $n ->
    [0] no token left
    [one] one token left
   *[other] { $n } tokens left
}
found-set-in = { $asked }, met by { $entry } of { $set }
found-set-out = { $asked }, not in { $set }
found-set-nothing = nothing to look for in { $set }
found-absent-header = no such header
found-absent-tcp-option = no such option
found-absent-connection = no connection
found-absent-socket = no socket of this host
found-absent-owner = a socket of the kernel's own, which has no user
found-absent-ethernet = no Ethernet header
found-absent-entry = no entry in the list
found-absent-text = the text is not there
found-absent-ipsec = no IPsec
found-nothing = nothing is asked
found-not-told-out-interface = not known: the outgoing interface
found-not-told-mac = not known: the hardware address
found-not-told-owner = not known: the owner of the socket
found-not-told-addr-type = not known: the kind of address
found-not-told-tcp-options = not known: the packet’s TCP options
found-not-told-payload = not known: the bytes in question
found-not-told-socket = not known: the host’s sockets
found-not-told-reverse-path = not known: the way back to the source
found-not-told-group = not known: the interfaces’ groups
found-not-told-realm = not known: the routes’ realms
found-not-told-cgroup = not known: the sending socket’s class
found-not-told-fingerprints = not known: the systems’ fingerprints
found-not-modelled = not modelled

reply-no-moment = No packet was sent yet
reply-not-received = The packet did not get through, so nobody answers it
reply-not-answered = Nobody answers such a packet

command-run = A command is run: { $command }
rules-table-added = The table { $table } comes into being
rules-table-removed = The table { $table } is gone, with its chains and rules
rules-chain-added = The table { $table } gets a chain { $chain }
rules-chain-removed = The table { $table } loses its chain { $chain }
rules-chain-renamed = The chain { $from } of the table { $table } is called { $to } now, in the rules that lead to it too
rules-policy-set = The policy of { $table } { $chain } is { $policy } now, and counts from anew
rules-policy-zeroed = The policy of { $table } { $chain } counts from anew
rules-added = A new rule, { $rule }: { $line }
rules-replaced = Another rule stands at { $rule }: { $line }
rules-removed = The rule { $rule } is gone: { $line }
rules-flushed-table = The rules of the table { $table } are gone
rules-flushed-chain = The rules of { $table } { $chain } are gone

continues = A copy goes a way of its own, next to { $hook }: { $packet }
resumes = The packet that was answered in between goes on
gathered = A piece of a packet waits for the others: { $packet }
fragmented = The packet is cut into { $pieces } pieces: the way carries no more than { $mtu } bytes
routed-broadcast = Routing: { $dst } is everyone on the link of { $iface }
routed-multicast = Routing: { $dst } is a group, reached by { $iface }
fate-looped-back = This is the host’s own copy of what it sends to many
fate-gathered = The piece waits for the rest of its packet
fate-lost-reverse-path = The kernel drops the packet: the way back to its source leads elsewhere (rp_filter)
fate-lost-in-hook = The kernel drops the packet inside the hook; no rule did
fate-lost-too-big = The kernel drops the packet: it is too long for the way, and may not be cut
fate-lost-no-neighbour = The packet is lost: the next hop does not answer
fate-lost-not-joined = The kernel drops the packet: nobody here has joined its group
fate-lost-not-for-host = The kernel drops the packet: it came in a frame for others, and such packets are not forwarded
fate-lost-link-down = The packet is lost: the interface is down

frame-sent = { $iface } sends a frame to { $to }: { $what }
frame-received = { $iface } receives a frame from { $from }: { $what }
frame-dropped-other-host = { $iface } drops the frame: it is for another host
frame-dropped-bad-header = { $iface } drops the frame: the IP header’s checksum is wrong
frame-dropped-down = { $iface } is down: the frame is gone
frame-dropped-no-peer = Nothing is at the other end of { $iface }: the frame is gone
frame-dropped-no-port = The bridge has no port for the frame that came in by { $iface }
frame-dropped-too-long = { $iface } takes no frame as long as this one: it is gone
arp-request = ARP: who has { $target }? tell { $sender }
arp-reply = ARP: { $sender } is at { $mac }
bridge-learned = { $bridge } learns: { $mac } is behind { $port }
bridge-flooded = { $bridge } floods the frame out of { $ports } ports
neighbour = Neighbour { $addr } on { $iface } is now { $state } ({ $mac })
path-gateway = { $addr } is reached by { $gateway } from now on: a redirect said so
path-mtu = The way to { $addr } carries { $mtu } bytes at most: an ICMP message said so

socket-called = A program calls { $call }
socket-call-failed = A program calls { $call }, which fails: { $error }
socket-got = The packet reaches a socket
socket-state = The connection is now { $state }
socket-timer = A timer of the connection is due
socket-none = No socket takes the packet
socket-error = An error waits for the program: { $error }

link-added = The device { $iface } comes into being ({ $kind })
namespace-added = The network namespace { $name } comes into being
namespace-removed = The network namespace { $name } is gone, with all that was in it
link-came = The device { $iface } comes from { $host }
link-went = The device { $iface } goes to { $host }
link-deleted = The device { $iface } is gone
link-up = { $iface } is set up
link-down = { $iface } is set down
link-renamed = { $from } is called { $iface } now
link-mtu = { $iface } takes packets of { $value } bytes at most now (MTU)
link-mac = { $iface } has the hardware address { $value } now
link-master = { $iface } is a port of { $value } now
link-nomaster = { $iface } is a port of no bridge any more
link-set = { $iface }: { $setting } is { $value } now
link-unset = { $iface }: { $setting } is not set any more
carrier-on = Something is at the other end of { $iface } now
carrier-off = Nothing is at the other end of { $iface } any more
address-added = { $iface } gets the address { $addr }
address-removed = { $iface } loses the address { $addr }
address-changed = The address { $addr } of { $iface } has other properties now
route-added = A new route in the table { $table }: { $route }
route-removed = A route of the table { $table } is gone: { $route }
route-replaced = Another route stands in its place in the table { $table }: { $route }
ip-rule-added = A new rule of policy routing ({ $family }): { $rule }
ip-rule-removed = A rule of policy routing is gone ({ $family }): { $rule }
neighbour-removed = The neighbour { $addr } on { $iface } is forgotten
fdb-removed = { $bridge } forgets that { $mac } is behind { $port }
sysctl-set = { $key } is { $value } now
