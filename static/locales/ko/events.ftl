# 패킷에 일어나는 일, 이벤트 하나에 한 문장.

begins-wire = { $iface } 인터페이스로 패킷이 들어옵니다: { $packet }
begins-process = 이 호스트의 프로세스가 패킷을 보냅니다: { $packet }
answers = 커널이 응답을 보냅니다: { $packet }

routed-local = 라우팅: { $dst } 주소는 이 호스트 자신입니다
routed-out = 라우팅: { $dst } 주소는 { $iface } 쪽으로 나갑니다
routed-refused = 라우팅: { $dst } 주소를 거부하는 경로가 있습니다
routed-none = 라우팅: { $dst } 주소로 가는 경로가 없습니다
routed-unknown = 라우팅: { $dst } 주소로 가는 인터페이스를 알 수 없습니다

fate-delivered = 패킷이 이 호스트에 전달됩니다
fate-sent = 패킷이 { $iface } 인터페이스로 나갑니다
fate-sent-somewhere = 패킷이 나가지만, 어느 인터페이스인지는 알 수 없습니다
fate-dropped = 패킷이 버려집니다
fate-rejected = 패킷이 버려지고, 보낸 쪽에 알립니다
fate-unknown = 패킷이 어떻게 되는지 알 수 없습니다
fate-lost-no-route = 커널이 패킷을 버립니다: 경로 없음
fate-lost-route-refuses = 커널이 패킷을 버립니다: 경로가 거부함
fate-lost-forwarding-off = 커널이 패킷을 버립니다: 이 호스트는 포워딩하지 않습니다(ip_forward가 0)
fate-lost-ttl-exceeded = 커널이 패킷을 버립니다: TTL이 다 됨
fate-lost-martian = 커널이 패킷을 버립니다: 바깥에서 온 패킷이 가질 수 없는 주소입니다(martian)
fate-lost-clash = 커널이 패킷을 버립니다: 변환된 주소와 포트를 다른 연결이 이미 쓰고 있습니다

hook-entered = 패킷이 { $hook } 훅에 도착합니다

skip-no-table = { $stage }: 이 테이블은 없습니다
skip-no-chain = { $stage }: 이 테이블에는 { $hook } 체인이 없습니다
skip-tracking-off = { $stage }: 연결 추적이 필요한 규칙이 없어 꺼져 있습니다
skip-already-tracked = { $stage }: 패킷에 이미 연결이 붙어 있습니다
skip-untracked = { $stage }: UNTRACKED 패킷이라 할 일이 없습니다
skip-invalid = { $stage }: INVALID 패킷이라 할 일이 없습니다
skip-not-first-packet = { $stage }: 거치지 않습니다. 이 테이블은 연결의 첫 패킷만 봅니다
skip-settled = { $stage }: 거치지 않습니다. lo를 지나기 전에 이미 정해졌습니다
skip-icmp-error = { $stage }: 거치지 않습니다. ICMP 오류가 인용한 패킷의 연결을 따릅니다
skip-answer = { $stage }: 확정할 것이 없습니다. 연결의 첫 패킷이 아닙니다
skip-confirmed = { $stage }: 연결이 이미 표에 있습니다

chain-base = { $table }: { $chain } 체인에 들어갑니다
chain-jump = { $table }: 점프하여 { $chain } 체인에 들어갑니다
chain-goto = { $table }: goto로 { $chain } 체인에 들어갑니다. 이곳으로는 돌아오지 않습니다
chain-end = { $table }: { $chain } 체인이 끝나 호출한 곳으로 돌아갑니다
chain-returned = { $table }: RETURN으로 { $chain } 체인을 나옵니다
policy = { $table } { $chain }: 결정한 규칙이 없어 기본 정책을 따릅니다: { $policy }

rule-yes = { $chain } { $number }번 규칙 일치: { $rule }
rule-no = { $chain } { $number }번 규칙 불일치: 조건은 { $part }, 패킷은 { $found }
match-dropped = { $chain } { $number }의 매치가 패킷을 해석할 수 없어 스스로 버립니다
rule-unknown-taken = { $chain } { $number }번 규칙은 일치할 수도 있습니다({ $part }: { $found }). 여기서는 일치한 것으로 보고 계속합니다
rule-unknown-passed = { $chain } { $number }번 규칙은 일치할 수도 있습니다({ $part }: { $found }). 여기서는 일치하지 않은 것으로 보고 계속합니다

table-accept = { $table } { $hook }: ACCEPT, 패킷은 다음으로 넘어갑니다
table-drop = { $table } { $hook }: DROP, 패킷은 여기서 사라집니다
table-reject = { $table } { $hook }: REJECT, 패킷은 사라지고 보낸 쪽에 알립니다
table-unknown = { $table } { $hook }: 여기부터는 모델이 따라갈 수 없습니다

tracked = 연결 추적: { $state }. { $why }
tracked-by-no-entry = 같은 주소와 포트를 가진 항목이 없으므로 새 연결의 시작입니다.
tracked-by-picked-up = 항목은 없지만, 홀로 온 ACK는 이미 진행 중이던 연결로 봅니다.
tracked-by-entry-original = 이미 있는 연결에 속하며, 첫 패킷과 같은 방향입니다.
tracked-by-entry-reply = 이미 있는 연결의 응답 방향 패킷입니다.
tracked-by-quoted = 이 오류가 인용한 패킷이 알려진 연결에 속합니다.
tracked-by-reopened = 같은 포트를 쓰던 이전 연결은 끝났고, 새 연결이 시작됩니다.
tracked-by-flags = 항목이 없고, 이런 플래그로는 연결을 열 수 없습니다.
tracked-by-out-of-state = 지금 TCP 상태에서는 올 수 없는 세그먼트입니다.
tracked-by-out-of-window = 지금까지의 세그먼트로 볼 때 연결의 윈도 밖에 있습니다.
tracked-by-quoted-unknown = 이 오류가 인용한 패킷은 알려진 연결에 속하지 않습니다.
tracked-by-quoted-elsewhere = 알려진 연결의 패킷을 인용하지만, 그 패킷을 보낸 쪽으로 가지 않습니다.
tracked-by-expected = 다른 연결이 예고한 연결입니다.
tracked-by-no-question = 아무도 묻지 않은 것에 대한 응답입니다.
tracked-by-checksum = 체크섬이 틀렸습니다.
tracked-by-fragment = 헤더가 없는 단편입니다.
tracked-by-discovery = 이웃 탐색과 멀티캐스트 리스너 탐색은 추적하지 않습니다.
tracked-by-assumed = 사용자가 그렇게 지정했습니다.
tracked-by-answer = 이 연결의 패킷에 대해 커널이 만든 응답입니다.

ct-created = 새 연결이 생겼고 아직 확정되지 않았습니다: { $entry }
ct-confirmed = 첫 패킷이 통과하여 연결이 확정됩니다
ct-status = 연결 상태에 { $status } 표시가 붙습니다
ct-tcp = TCP 상태: { $from } → { $to }
ct-sctp = SCTP 상태: { $from } → { $to }
ct-mark = 연결 마크가 { $mark } 값이 됩니다
ct-timeout = 이제 패킷이 없으면 연결이 { $seconds }초 동안 남아 있습니다
ct-expired = 연결이 시간 초과로 사라졌습니다: { $entry }
ct-reset = 응답이 오기 전에 RST가 와서 연결이 끝납니다
ct-replaced = 이전 연결을 지웁니다: { $entry }
ct-abandoned = 첫 패킷이 통과하지 못해 연결이 남지 않습니다
ct-clash = 같은 주소와 포트를 다른 연결이 이미 쓰고 있습니다
ct-evicted = 테이블이 가득 차서, ASSURED가 아닌 연결이 자리를 내줍니다: { $entry }
ct-deleted = 누군가 연결을 지웁니다: { $entry }
ct-rehomed = 마스커레이드에 쓰던 인터페이스나 주소가 없어져 연결을 지웁니다: { $entry }
expect-created = 이제 이런 연결을 기다립니다: { $expected }
expect-met = 기다리던 연결이 왔습니다: { $expected }
expect-expired = 기다리던 연결이 제때 오지 않았습니다: { $expected }
expect-replaced = 다른 예고가 이것을 대신합니다: { $expected }
expect-master-gone = 예고한 연결이 사라져 더는 기다리지 않습니다: { $expected }
kernel-drop-table-full = 연결 테이블이 가득 차서(nf_conntrack_max) 패킷을 버립니다
kernel-drop-translated-redirect = 변환된 연결에 대한 ICMP 리다이렉트는 쓸모가 없으므로 패킷을 버립니다
kernel-drop-other-interface = 이 연결은 다른 인터페이스로 마스커레이드되었으므로 패킷을 버리고 연결을 지웁니다
kernel-drop-short-quote = 오류에 인용된 패킷이 너무 짧아 포트를 변환할 수 없으므로 버립니다
kernel-drop-partial-command = 헬퍼가 읽어야 할 명령이 일부만 보이므로 패킷을 버립니다
kernel-drop-not-expectable = 이 패킷이 약속하는 연결을 기다릴 수 없으므로 패킷을 버립니다

nat-src = 이 연결의 출발지를 변환하도록 정해졌습니다: { $entry }
nat-dst = 이 연결의 목적지를 변환하도록 정해졌습니다: { $entry }
nat-src-same = 출발지는 바꾸지 않는 것으로 정해졌습니다
nat-dst-same = 목적지는 바꾸지 않는 것으로 정해졌습니다

changed-src = 출발지 { $from } → { $to }
changed-dst = 목적지 { $from } → { $to }
changed-ttl = TTL { $from } → { $to }
changed-tos = 서비스 유형(TOS) { $from } → { $to }
changed-mark = 마크 { $from } → { $to }
changed-oif = 패킷은 { $to } 인터페이스로 나가게 됩니다
changed-oif-unknown = 패킷이 나갈 인터페이스를 알 수 없습니다
changed-gathered = 조각들이 다시 합쳐집니다: { $length }바이트
changed-lo = 패킷이 lo를 거쳐 다시 들어옵니다
changed-ct = 패킷에 연결이 붙습니다: { $to }
changed-mss = 최대 세그먼트 크기(MSS) { $from } → { $to }
changed-payload = 내용 { $from } → { $to }
changed-numbers = 순서 번호와 확인 번호 { $from } → { $to }
changed-template = 연결 추적에 전할 것 { $from } → { $to }
changed-quoted = 안에 인용된 패킷: { $from } → { $to }
changed-other = 패킷이 바뀝니다: { $from } → { $to }

log-written = 로그에 한 줄이 남습니다: { $line }
copied = 패킷의 사본이 { $gateway }(으)로 나갑니다

not-known-masquerade-address = 마스커레이드 대상이지만 나가는 인터페이스의 주소를 몰라 그대로 둡니다
not-known-target = { $name } 대상은 모델에 없어 무엇을 하는지 알 수 없습니다
not-known-helper = { $name } 헬퍼는 모델에 없어 패킷에 무엇을 하는지 알 수 없습니다
not-known-path-mtu = MSS를 경로에 맞추려 하지만 경로의 MTU를 몰라 그대로 둡니다
not-known-queue = 패킷이 사용자 공간 프로그램으로 넘어가며, 그 결정은 알 수 없습니다
not-known-set = 집합 { $name }의 내용이나 거기서 찾을 패킷의 값을 알 수 없습니다

set-created = 집합 { $set }이(가) 만들어집니다: { $what }
set-destroyed = 집합 { $set }이(가) 없어집니다
set-flushed = 집합 { $set }이(가) 비워집니다
set-renamed = 집합 { $set }의 이름이 { $what }(으)로 바뀝니다
set-swapped = 집합 { $set }와(과) { $what }의 내용이 서로 바뀝니다
set-added = { $what } 항목이 집합 { $set }에 추가됩니다
set-updated = { $what } 항목은 이미 집합 { $set }에 있어 남은 시간과 부가 정보만 새로 고칩니다
set-deleted = { $what } 항목이 집합 { $set }에서 빠집니다
set-expired = 집합 { $set }에서 { $what } 항목의 시간이 다 되어 사라집니다
set-gave-way = 집합 { $set }이(가) 가득 차 { $what } 항목이 자리를 내줍니다

# 따로 설명하지 않은 호스트에 대해 추정한 것.
assumed-own-address = { $addr } 주소는 이 호스트의 { $iface } 주소
assumed-network = { $net } 네트워크는 { $iface } 뒤에 있음({ $rule } 규칙 기준)
assumed-reached = { $addr } 주소는 { $iface } 쪽으로 나감
assumed-default-route = 그 밖의 주소는 모두 { $iface } 쪽으로 나감

# 패킷에서 찾은 값.
found-none = 없음
found-fragment = 뒤쪽 단편
found-not-fragment = 뒤쪽 단편이 아님
found-tokens = 남은 토큰 { $n }개
found-set-in = { $asked } (집합 { $set }의 { $entry } 항목에 해당)
found-set-out = { $asked } (집합 { $set }에 없음)
found-set-nothing = 집합 { $set }에서 찾을 값이 없음
found-absent-header = 해당 헤더 없음
found-absent-tcp-option = 해당 옵션 없음
found-absent-connection = 연결 없음
found-absent-socket = 이 호스트의 소켓 없음
found-absent-owner = 사용자가 없는 커널 자체의 소켓
found-absent-ethernet = 이더넷 헤더 없음
found-absent-entry = 목록에 없음
found-absent-text = 찾는 문자열이 없음
found-absent-ipsec = IPsec 없음
found-nothing = 묻는 것 없음
found-not-told-out-interface = 나가는 인터페이스를 모름
found-not-told-mac = 하드웨어 주소를 모름
found-not-told-owner = 소켓 소유자를 모름
found-not-told-addr-type = 주소 종류를 모름
found-not-told-tcp-options = 패킷의 TCP 옵션을 모름
found-not-told-payload = 해당 바이트를 모름
found-not-told-socket = 호스트의 소켓을 모름
found-not-told-reverse-path = 출발지로 돌아가는 경로를 모름
found-not-told-group = 인터페이스 그룹을 모름
found-not-told-realm = 경로의 realm을 모름
found-not-told-cgroup = 보낸 소켓의 클래스를 모름
found-not-told-fingerprints = 시스템 지문을 모름
found-not-modelled = 모델에 없음

reply-no-moment = 아직 보낸 패킷이 없습니다
reply-not-received = 패킷이 도착하지 못해 응답이 없습니다
reply-not-answered = 이런 패킷에는 아무도 응답하지 않습니다

command-run = 명령을 실행합니다: { $command }
rules-table-added = { $table } 테이블이 만들어집니다
rules-table-removed = { $table } 테이블이 체인과 규칙까지 모두 사라집니다
rules-chain-added = { $table } 테이블에 { $chain } 체인이 생깁니다
rules-chain-removed = { $table } 테이블에서 { $chain } 체인이 사라집니다
rules-chain-renamed = { $table } 테이블의 { $from } 체인 이름이 { $to }(으)로 바뀝니다. 이 체인으로 가는 규칙도 함께 바뀝니다
rules-policy-set = { $table } { $chain }의 정책이 { $policy }(으)로 정해지고 카운터가 새로 시작됩니다
rules-policy-zeroed = { $table } { $chain } 정책의 카운터가 새로 시작됩니다
rules-added = 새 규칙 { $rule }: { $line }
rules-replaced = { $rule } 자리의 규칙이 바뀝니다: { $line }
rules-removed = 규칙 { $rule }이(가) 지워집니다: { $line }
rules-flushed-table = { $table } 테이블의 규칙이 모두 지워집니다
rules-flushed-chain = { $table } { $chain }의 규칙이 모두 지워집니다

continues = 복사본이 따로 길을 갑니다. 다음은 { $hook }: { $packet }
resumes = 중간에 응답을 받은 패킷이 다시 길을 갑니다
gathered = 패킷 조각이 나머지를 기다립니다: { $packet }
fragmented = 패킷을 { $pieces }조각으로 나눕니다. 이 경로는 { $mtu }바이트까지만 실어 나릅니다
routed-broadcast = 라우팅: { $dst } 주소는 { $iface } 링크의 모든 호스트입니다
routed-multicast = 라우팅: { $dst } 주소는 그룹이며 { $iface } 쪽으로 나갑니다
fate-looped-back = 여럿에게 보내는 패킷을 이 호스트 자신도 받도록 복사한 것입니다
fate-gathered = 조각이 패킷의 나머지를 기다립니다
fate-lost-reverse-path = 커널이 패킷을 버립니다: 출발지로 돌아가는 길이 다른 인터페이스입니다(rp_filter)
fate-lost-in-hook = 커널이 훅 안에서 패킷을 버립니다. 규칙이 버린 것은 아닙니다
fate-lost-too-big = 커널이 패킷을 버립니다: 경로에 비해 너무 크고, 나눌 수도 없습니다
fate-lost-no-neighbour = 패킷이 사라집니다: 다음 홉이 응답하지 않습니다
fate-lost-not-joined = 커널이 패킷을 버립니다: 이 그룹에 가입한 소켓이 없습니다
fate-lost-not-for-host = 커널이 패킷을 버립니다: 다른 호스트로 가는 프레임으로 들어왔고, 그런 패킷은 포워딩하지 않습니다
fate-lost-link-down = 패킷이 사라집니다: 인터페이스가 내려가 있습니다

frame-sent = { $iface } 인터페이스가 { $to }에게 프레임을 보냅니다: { $what }
frame-received = { $iface } 인터페이스가 { $from }에게서 프레임을 받습니다: { $what }
frame-dropped-other-host = { $iface } 인터페이스가 프레임을 버립니다: 다른 호스트로 가는 프레임입니다
frame-dropped-bad-header = { $iface } 인터페이스가 프레임을 버립니다: IP 헤더의 체크섬이 틀립니다
frame-dropped-down = { $iface } 인터페이스가 내려가 있어 프레임이 사라집니다
frame-dropped-no-peer = { $iface } 인터페이스의 반대쪽에 아무것도 없어 프레임이 사라집니다
frame-dropped-no-port = { $iface } 포트로 들어온 프레임을 내보낼 브리지 포트가 없습니다
arp-request = ARP: { $target } 누구인가요? { $sender }에게 알려 주세요
arp-reply = ARP: { $sender }의 주소는 { $mac }입니다
bridge-learned = { $bridge } 브리지가 배웁니다: { $mac }은(는) { $port } 포트 뒤에 있습니다
bridge-flooded = { $bridge } 브리지가 프레임을 포트 { $ports }개로 모두 내보냅니다
neighbour = { $iface }의 이웃 { $addr }: 이제 { $state } ({ $mac })
path-gateway = 이제 { $addr } 주소는 { $gateway }(으)로 갑니다. 리다이렉트가 알려 주었습니다
path-mtu = { $addr } 경로는 최대 { $mtu }바이트까지 실어 나릅니다. ICMP 메시지가 알려 주었습니다

socket-called = 프로그램이 { $call }을(를) 부릅니다
socket-call-failed = 프로그램이 부른 { $call }이(가) 실패합니다: { $error }
socket-got = 패킷이 소켓에 도착합니다
socket-state = 연결 상태가 { $state }(으)로 바뀝니다
socket-timer = 연결의 타이머가 만료되었습니다
socket-none = 이 패킷을 받을 소켓이 없습니다
socket-error = 프로그램이 받을 오류가 있습니다: { $error }
