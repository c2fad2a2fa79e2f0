# The page's own words. The sentences about events are in say.ftl.

## The bar on top
app-title = Vitrine — a packet in a glass case
specimen-facts =
    { $family } · { $tables ->
        [one] 1 table
       *[other] { $tables } tables
    } · { $chains ->
        [one] 1 chain
       *[other] { $chains } chains
    } · { $rules ->
        [one] 1 rule
       *[other] { $rules } rules
    }
specimen-recorded = Docker with a published port, and ufw
specimen-pasted = Pasted rules
remarks = { $n ->
        [one] 1 remark
       *[other] { $n } remarks
    }
open-rules = Open rules or lab
support = What is modelled
keys = Keyboard
language = Language
theme-to-dark = Switch to dark
theme-to-light = Switch to light
skip-to-steps = Skip to the step buttons

## Packets sent so far
packets = Packets
packets-sent = Packets sent so far
send-reply = Send the reply
send-reply-lost = There is no reply to send: the packet did not get through
send-reply-none = Nobody answers such a packet
new-packet = New packet
packet-verdict-accept = got through
packet-verdict-drop = dropped
packet-verdict-reject = rejected
packet-verdict-unknown = can’t be told

## Ways, where the model can't know
ways-title = Ways that the packet may go
ways = The model can’t know everything here: this is way { $way } of { $ways }.
ways-more = There are more ways than are shown.
way-if-yes = as if rule { $rule } matched
way-if-no = as if rule { $rule } didn’t match
way-next = Next way
way-back = Previous way

## Panes
tab-path = Path
tab-rules = Rules
tab-packet = Packet
tab-log = Log
panes = Views of the walk

## The picture
map = Hooks and tables, in the kernel’s order
host = This host
local-process = Local process
routing = Routing
routing-decision = Routing decision
cell-label = { $hook }, { $stage }
cell-empty = no rules
cell-rules = { $rules ->
        [one] 1 rule
       *[other] { $rules } rules
    }
cell-past = passed
cell-current = the packet is here
cell-future = still ahead
cell-none = not on this packet’s path

## The chain
chain = Chain
chain-of = { $table } { $chain }
chain-rules = { $rules ->
        [0] no rules
        [one] 1 rule
       *[other] { $rules } rules
    }
chain-none-interface = The packet is on the wire: no chain looks at it here.
chain-none-conntrack = Connection tracking looks the packet up in its table. There are no rules here.
chain-none-confirm = Connection tracking keeps the new connection from here on. There are no rules here.
chain-none-routing = The kernel asks the routing table. There are no rules here.
chain-none-local = The packet is with a process of this host.
chain-none-table = There is no such table in these rules: it isn’t consulted.
policy-end = End of the chain: policy { $policy }
return-end = End of the chain: back to { $chain }
rule-number = Rule { $number }
rule-any = every packet
target-none = no target

## Why
why-matched = Why rule { $number } matched
why-failed = Why rule { $number } didn’t match
why-maybe = Why rule { $number } can’t be told
why-here = What happens here
why-packet = The packet has
why-rule = The rule asks
why-answer = Answer
answer-held = held
answer-failed = failed
answer-unknown = not known
answer-unseen = not looked at
why-everything = This rule asks for nothing: it matches every packet.
why-end = No rule decided; the end of the chain does.
why-then = Then
why-policy = No rule of the chain decided, so the policy does: { $policy }.
why-failed-first = The first part that fails ends it; the parts after it aren’t looked at.

## The packet
packet = Packet
packet-came = As it came
packet-now = As it is now
field-in = in
field-out = out
field-proto = protocol
field-src = source
field-sport = source port
field-dst = destination
field-dport = dest. port
field-flags = flags
field-icmp = ICMP type
field-icmp-id = ICMP id
field-ttl = TTL
field-tos = TOS
field-mark = mark
field-changed = changed
field-none = –
connection = Connection
connection-none = No entry yet: connection tracking hasn’t seen the packet.
connection-off = Connection tracking is off: no rule needs it.
connection-untracked = This packet isn’t tracked.
connection-invalid = The packet belongs to no connection and can’t open one, so it has no entry.
connection-unconfirmed = Not kept yet: the entry is confirmed when the packet leaves or is delivered.
connection-original = original
connection-reply = reply
connection-state = state
connection-mark = mark

## The log
log = Log

## The step bar
steps = Steps
step = Step
step-forward = Step forward
step-back = Step back
chain-forward = Forward to the next chain
chain-back = Back to the previous chain
hook-forward = Forward to the next hook
hook-back = Back to the previous hook
run = On to the verdict
to-start = Back to the start of the walk
step-slider = Step of the walk
step-value = Step { $at } of { $of }: { $says }

## The packet's form
composer = Send a packet
presets = Ready-made packets
form-where = Comes from
form-where-local = a process on this host
form-proto = Protocol
form-src = Source address
form-sport = Source port
form-dst = Destination address
form-dport = Destination port
form-flags = TCP flags
form-icmp = ICMP type
form-ttl = TTL
form-state = Connection state
form-state-auto = from what was sent before
form-more = Anything else: out=, mark=, uid=, gid=, mac=, id=, after=
form-as-text = On the command line
form-send = Send
form-start-over = Forget everything and start over
error-address = This isn’t an IP address: { $value }
error-families = Source and destination are of two families
error-port = A port is a number from 0 to 65535: { $value }
error-ttl = A TTL is a number from 1 to 255: { $value }
error-flags = These aren’t TCP flags: { $value }
error-send = The packet can’t be sent: { $why }

preset-published-port = To the published port
preset-published-port-hint = From the internet to port 8080, which Docker publishes. ufw doesn’t allow it, and yet…
preset-ssh = SSH to the host
preset-ssh-hint = From the internet to port 22, which ufw allows.
preset-blocked-port = To a closed port
preset-blocked-port-hint = From the internet to port 3306, which nothing allows.
preset-any-ssh-hint = From the internet to port 22.
preset-any-port = To another port
preset-any-port-hint = From the internet to port 3306.
preset-container-out = From the container, out
preset-container-out-hint = The container opens a web page: its address is hidden behind the host’s.
preset-ping = Ping to the host
preset-ping-hint = An ICMP echo request from the internet.
preset-host-out = From the host, out
preset-host-out-hint = A process of the host asks a name server.
preset-stray-ack = A stray segment
preset-stray-ack-hint = A FIN,ACK of no connection: INVALID.

## Opening rules
dump-title = Open rules or a lab
dump-lead = Paste what iptables-save or ip6tables-save prints, with what ipset save prints if rules name sets; or a lab, as JSON. Or drop the file anywhere on this page, or pick it.
dump-private = It stays in this browser: nothing is sent anywhere.
dump-text = Rules, or a lab
dump-host = This host’s addresses and routes (optional)
dump-host-lead = What ip -br addr and ip route print there. Without it the page works out what it can from the rules and the packets, and says what.
dump-host-error = The host’s description can’t be read
dump-file = Pick a file
dump-apply = Open
dump-reset = Back to the recorded host
dump-drop = Drop the rules or the lab here
dump-error = These rules can’t be read
dump-warnings = Read, with remarks
dump-too-big = This file is larger than { $limit } MB. That is more than the page takes.
dump-binary = This isn’t text: it has bytes that no dump of rules has.

## Support
support-title = What is modelled
support-lead = What the model does like Linux, what it only keeps and prints back, and what it refuses.
support-filter = Find
support-core = every rule
support-name = Name
support-options = Options
support-status = Status
support-modelled = modelled
support-kept = kept
support-refused = refused
support-modelled-hint = evaluated as the kernel does
support-kept-hint = read, printed back, evaluates to “unknown”
support-refused-hint = refused with iptables’ own words
support-count = { $n ->
        [one] 1 entry
       *[other] { $n } entries
    }

## Keys
keys-title = Keyboard
keys-lead = These work wherever no text field has the focus.
key-step = next rule, previous rule
key-chain = next chain, previous chain
key-hook = next hook, previous hook
key-ends = start of the walk, verdict
key-help = this list
key-close = close a sheet

## Everywhere
close = Close
interface = interface

## Before the first step, after the last
welcome-title = A packet is at the door
welcome-recorded = In this case stands a real Linux host: it runs Docker with port 8080 published, and ufw, which doesn’t allow that port. Walk the packet through its rules and see who decides.
welcome-pasted = Your rules are in the case. Walk the packet through them, rule by rule, and see why each one matched or not.
welcome-step = Walk step by step
welcome-try = Or send another packet
welcome-assumed = Worked out, as nobody described this host
welcome-own = It works with your own rules too, and nothing leaves this browser.
summary-lead = What each table said, and which rule said it:
summary-policy = policy of { $chain }

## Labs: several hosts
tab-network = Network
tab-connections = Connections
tab-seen = Seen
lab-map = The hosts and the wires between them
lab-facts =
    { $hosts ->
        [one] 1 host
       *[other] { $hosts } hosts
    } · { $links ->
        [one] 1 wire
       *[other] { $links } wires
    }
lab-how = Step on, or choose a host: it opens and shows its hooks and tables.
lab-open-host = open ›
lab-host-label = Open host { $host }: { $devices }
lab-probes = Probes
lab-probe-new = New probe
lab-undo = Undo
lab-probe-begins = Probe { $number } ({ $kind }) begins at { $host }: { $what }
lab-ways = Packets through this host
lab-leave = Network
lab-host-quiet = No packet passes this host in this probe.
lab-connections = Connections tracked
lab-connections-none = No connection is tracked at this moment.
lab-clock = { $time } s on the clock
lab-seconds-left = { $n } s left
lab-neighbours = Neighbours
lab-neighbours-none = None yet.
lab-routes = Routes
lab-seen = What the sender saw
lab-answered = answered
lab-refused = failed
lab-silence = no answer
lab-flows = There and back
lab-way-back = Show the way back
seen-sent = sent
seen-replies = replies
seen-connect = connect
seen-local = local end
seen-received = received
seen-after-close = after closing
seen-errors = errors
seen-exit = exit status
seen-not-modelled = not modelled
seen-listeners = listeners saw
lab-to-start = Back to the start
lab-to-end = On to the end
probe-back = Back to the previous probe
probe-forward = Forward to the next probe
hop-back = Back by a hop
hop-forward = Forward by a hop
play = Play by itself
key-network = in a network: next hop, next probe
key-host = open the host in focus, back to the network
lab-probe-title = Send one more probe
lab-probe-lead = The whole lab runs again, with this one last. Undo takes it back.
lab-probe-kind = Kind
lab-probe-from = From host
lab-probe-data = What is sent (optional)
lab-open = Labs of several hosts to start with
lab-open-lead = A lab of your own is one JSON file. Or take one of these:
lab-error = This lab can’t be shown
lab-too-many-hosts = { $n } hosts are more than the page shows: at most { $most }.
lab-too-many-probes = { $n } probes are more than the page sends: at most { $most }.
lab-too-many-events = More than { $most } events happen in this lab: perhaps a frame goes round in a loop of bridges.
lab-done = done
lab-no-probes = This lab has no probes yet: send one.
lab-fit = Whole picture
lab-rules-now = Rules at this moment
lab-rules-none = This host has no rules of its own.
lab-rule-came = new: 
lab-rule-went = gone: 
lab-doubts = { $n ->
        [one] The model cannot know one answer. This run goes on one way; there is another.
       *[other] The model cannot know { $n } answers. This run goes on one way; there are others.
    }
lab-doubt-other = Go the other way
counters = { $packets } packets, { $bytes } bytes so far
welcome-labs = Or watch packets cross several hosts
lab-masquerade = A home network
lab-masquerade-hint = One address for all: a router masquerades, and knows each answer’s way back.
lab-published-port = Containers on a bridge
lab-published-port-hint = A published port from outside, container to container, and a container that looks out.
lab-error-through-nat = An error through NAT
lab-error-through-nat-hint = An ICMP error comes back through the translation, and what it quotes is translated too.
lab-forward-drop = Dropped in FORWARD
lab-forward-drop-hint = One port in silence, one with an answer, one let through: what the sender sees of each.
lab-neighbours-v6 = Neighbours of IPv6
lab-neighbours-v6-hint = A neighbour is solicited by its group, advertises itself, and only then the packet leaves.
lab-masquerade-1 = ask a name server
lab-masquerade-2 = read a page
lab-masquerade-3 = ping
lab-masquerade-4 = a stranger knocks
lab-published-port-1 = through the published port
lab-published-port-2 = container to container
lab-published-port-3 = a container looks out
lab-published-port-4 = a port that is not published
lab-error-through-nat-1 = a closed UDP port
lab-error-through-nat-2 = a TTL that runs out on the way
lab-error-through-nat-3 = a network that nobody routes
lab-forward-drop-1 = port 22: dropped
lab-forward-drop-2 = port 443: refused
lab-forward-drop-3 = port 80: let through
lab-neighbours-v6-1 = ping the server
lab-neighbours-v6-2 = read a page
lab-neighbours-v6-3 = a neighbour that is not there
