# 화면에 쓰는 말. 사건을 설명하는 문장은 say.ftl에 있다.

## 위쪽 막대
app-title = Vitrine — 유리 진열장 속 패킷
specimen-facts = { $family } · 테이블 { $tables }개 · 체인 { $chains }개 · 규칙 { $rules }개
specimen-recorded = 포트를 공개한 Docker와 ufw
specimen-pasted = 붙여 넣은 규칙
remarks = 알아 둘 점 { $n }개
open-rules = 규칙·랩 열기
support = 지원 범위
keys = 단축키
language = 언어
theme-to-dark = 어둡게 보기
theme-to-light = 밝게 보기
skip-to-steps = 단계 버튼으로 건너뛰기

## 보낸 패킷
packets = 패킷
packets-sent = 지금까지 보낸 패킷
send-reply = 응답 보내기
send-reply-lost = 통과하지 못한 패킷이라 돌려보낼 응답이 없습니다
send-reply-none = 이런 패킷에는 아무도 응답하지 않습니다
new-packet = 새 패킷
packet-verdict-accept = 통과
packet-verdict-drop = 버려짐
packet-verdict-reject = 거부됨
packet-verdict-unknown = 알 수 없음

## 모델이 알 수 없어 갈라지는 길
ways-title = 패킷이 갈 수 있는 길
ways = 모델이 다 알 수 없는 규칙이 있어 길이 갈라집니다. { $ways }가지 중 { $way }번째입니다.
ways-more = 보여 주는 것보다 갈래가 더 많습니다.
way-if-yes = { $rule } 규칙에 걸린다고 볼 때
way-if-no = { $rule } 규칙에 걸리지 않는다고 볼 때
way-next = 다음 갈래
way-back = 이전 갈래

## 화면 구역
tab-path = 경로
tab-rules = 규칙
tab-packet = 패킷
tab-log = 기록
panes = 보기

## 그림
map = 훅과 테이블, 커널이 거치는 순서대로
host = 이 호스트
local-process = 로컬 프로세스
routing = 라우팅
routing-decision = 라우팅 결정
cell-label = { $hook }, { $stage }
cell-empty = 규칙 없음
cell-rules = 규칙 { $rules }개
cell-past = 지나옴
cell-current = 패킷이 여기 있음
cell-future = 앞으로 지날 곳
cell-none = 이 패킷은 지나지 않음

## 체인
chain = 체인
chain-of = { $table } { $chain }
chain-rules = { $rules ->
        [0] 규칙 없음
       *[other] 규칙 { $rules }개
    }
chain-none-interface = 패킷이 인터페이스에 있습니다. 여기서는 어떤 체인도 거치지 않습니다.
chain-none-conntrack = 연결 추적이 테이블에서 이 패킷의 연결을 찾습니다. 여기에는 규칙이 없습니다.
chain-none-confirm = 새 연결이 여기서 연결 추적 테이블에 확정됩니다. 여기에는 규칙이 없습니다.
chain-none-routing = 커널이 라우팅 테이블을 조회합니다. 여기에는 규칙이 없습니다.
chain-none-local = 패킷이 이 호스트의 프로세스에 있습니다.
chain-none-table = 이 규칙 파일에는 해당 테이블이 없어 거치지 않습니다.
policy-end = 체인의 끝: 기본 정책 { $policy }
return-end = 체인의 끝: { $chain } 체인으로 복귀
rule-number = { $number }번 규칙
rule-any = 모든 패킷
target-none = 대상 없음

## 이유
why-matched = { $number }번 규칙에 걸린 이유
why-failed = { $number }번 규칙에 걸리지 않은 이유
why-maybe = { $number }번 규칙에 걸리는지 알 수 없는 이유
why-here = 여기서 하는 일
why-packet = 패킷의 값
why-rule = 규칙이 요구하는 값
why-answer = 판단
answer-held = 일치
answer-failed = 불일치
answer-unknown = 알 수 없음
answer-unseen = 보지 않음
why-everything = 조건이 없는 규칙이라 모든 패킷이 걸립니다.
why-end = 결정한 규칙 없이 체인의 끝에 이르렀습니다.
why-then = 결과
why-policy = 체인의 어떤 규칙도 결정하지 않았으므로 기본 정책을 따릅니다: { $policy }.
why-failed-first = 조건 하나가 어긋나면 거기서 끝나고, 뒤의 조건은 보지 않습니다.

## 패킷
packet = 패킷
packet-came = 들어올 때
packet-now = 지금
field-in = 입력
field-out = 출력
field-proto = 프로토콜
field-src = 출발지
field-sport = 출발지 포트
field-dst = 목적지
field-dport = 목적지 포트
field-flags = 플래그
field-icmp = ICMP 타입
field-icmp-id = ICMP ID
field-ttl = TTL
field-tos = TOS
field-mark = 마크
field-changed = 바뀜
field-none = –
connection = 연결 추적
connection-none = 아직 항목이 없습니다. 연결 추적이 이 패킷을 보기 전입니다.
connection-off = 연결 추적이 필요한 규칙이 없어 꺼져 있습니다.
connection-untracked = 추적하지 않는 패킷입니다.
connection-invalid = 어느 연결에도 속하지 않고 새 연결을 열 수도 없는 패킷이라 항목이 없습니다.
connection-unconfirmed = 아직 확정 전입니다. 패킷이 나가거나 프로세스에 전달될 때 테이블에 남습니다.
connection-original = 원래 방향
connection-reply = 응답 방향
connection-state = 상태
connection-mark = 마크

## 기록
log = 기록

## 단계 막대
steps = 단계
step = 다음
step-forward = 한 단계 앞으로
step-back = 한 단계 뒤로
chain-forward = 다음 체인으로
chain-back = 이전 체인으로
hook-forward = 다음 훅으로
hook-back = 이전 훅으로
run = 판정까지 진행
to-start = 처음으로
step-slider = 진행 단계
step-value = 전체 { $of }단계 중 { $at }단계: { $says }

## 패킷 편집
composer = 패킷 보내기
presets = 미리 만든 패킷
form-where = 출발하는 곳
form-where-local = 이 호스트의 프로세스
form-proto = 프로토콜
form-src = 출발지 주소
form-sport = 출발지 포트
form-dst = 목적지 주소
form-dport = 목적지 포트
form-flags = TCP 플래그
form-icmp = ICMP 타입
form-ttl = TTL
form-state = 연결 상태
form-state-auto = 앞서 보낸 패킷에 따라
form-more = 그 밖의 값: out=, mark=, uid=, gid=, mac=, id=, after=
form-as-text = 명령줄에서는
form-send = 보내기
form-start-over = 모두 잊고 처음부터
error-address = IP 주소가 아닙니다: { $value }
error-families = 출발지와 목적지의 IP 버전이 다릅니다
error-port = 포트는 0에서 65535 사이의 수입니다: { $value }
error-ttl = TTL은 1에서 255 사이의 수입니다: { $value }
error-flags = TCP 플래그가 아닙니다: { $value }
error-send = 패킷을 보낼 수 없습니다: { $why }

preset-published-port = 공개한 포트로
preset-published-port-hint = 인터넷에서 Docker가 공개한 8080번 포트로. ufw는 허용하지 않았는데도…
preset-ssh = 호스트에 SSH 접속
preset-ssh-hint = 인터넷에서 ufw가 허용한 22번 포트로.
preset-blocked-port = 막힌 포트로
preset-blocked-port-hint = 인터넷에서 아무것도 허용하지 않은 3306번 포트로.
preset-any-ssh-hint = 인터넷에서 22번 포트로.
preset-any-port = 다른 포트로
preset-any-port-hint = 인터넷에서 3306번 포트로.
preset-container-out = 컨테이너에서 밖으로
preset-container-out-hint = 컨테이너가 웹 페이지를 엽니다. 주소가 호스트의 주소로 바뀝니다.
preset-ping = 호스트에 ping
preset-ping-hint = 인터넷에서 온 ICMP echo 요청.
preset-host-out = 호스트에서 밖으로
preset-host-out-hint = 호스트의 프로세스가 네임 서버에 물어봅니다.
preset-stray-ack = 뜬금없는 패킷
preset-stray-ack-hint = 어느 연결에도 없는 FIN,ACK: INVALID.

## 규칙 열기
dump-title = 규칙이나 랩 열기
dump-lead = iptables-save나 ip6tables-save의 출력(IP 집합을 쓰면 ipset save의 출력도 함께) 또는 랩의 JSON을 붙여 넣으세요. 파일을 이 페이지에 끌어다 놓거나 직접 골라도 됩니다.
dump-private = 이 브라우저 밖으로 나가지 않습니다. 어디에도 전송하지 않습니다.
dump-text = 규칙 또는 랩
dump-host = 이 호스트의 주소와 경로 (선택)
dump-host-lead = 그 호스트에서 ip -br addr과 ip route가 출력한 내용. 없으면 규칙과 패킷에서 알 수 있는 만큼 추정하고, 무엇을 추정했는지 보여 줍니다.
dump-host-error = 호스트 설명을 읽을 수 없습니다
dump-file = 파일 고르기
dump-apply = 열기
dump-reset = 기록된 호스트로 되돌리기
dump-drop = 여기에 규칙이나 랩 파일을 놓으세요
dump-error = 규칙을 읽을 수 없습니다
dump-warnings = 읽었지만 알아 둘 점이 있습니다
dump-too-big = 파일이 { $limit } MB보다 큽니다. 이 페이지가 다룰 수 있는 크기를 넘습니다.
dump-binary = 텍스트가 아닙니다. 규칙 파일에는 없는 바이트가 들어 있습니다.

## 지원 범위
support-title = 지원 범위
support-lead = 리눅스와 똑같이 동작하는 것, 그대로 보관했다가 되돌려 출력하기만 하는 것, 거절하는 것을 모두 적었습니다.
support-filter = 찾기
support-core = 모든 규칙
support-name = 이름
support-options = 옵션
support-status = 상태
support-modelled = 구현
support-kept = 보관
support-refused = 거절
support-modelled-hint = 커널과 같게 판단
support-kept-hint = 읽고 그대로 출력하되 “알 수 없음”으로 판단
support-refused-hint = iptables와 같은 오류로 거절
support-count = { $n }개

## 단축키
keys-title = 단축키
keys-lead = 입력란에 초점이 없을 때 어디서나 쓸 수 있습니다.
key-step = 다음 규칙, 이전 규칙
key-chain = 다음 체인, 이전 체인
key-hook = 다음 훅, 이전 훅
key-ends = 처음으로, 판정까지
key-help = 이 목록 보기
key-close = 창 닫기

## 공통
close = 닫기
interface = 인터페이스

## 첫 단계 전과 마지막 단계 뒤
welcome-title = 패킷 하나가 문 앞에 와 있습니다
welcome-recorded = 진열장 안에는 실제 리눅스 호스트가 있습니다. Docker가 8080번 포트를 공개했고, ufw는 그 포트를 허용하지 않았습니다. 패킷과 함께 규칙을 하나씩 지나며 누가 결정하는지 살펴보세요.
welcome-pasted = 가져온 규칙이 진열장에 들어왔습니다. 패킷이 규칙을 하나씩 지나며 왜 걸리고 왜 지나치는지 살펴보세요.
welcome-step = 한 단계씩 보기
welcome-try = 다른 패킷 보내 보기
welcome-assumed = 호스트 설명이 없어 추정한 것
welcome-own = 직접 가져온 규칙으로도 해 볼 수 있습니다. 이 브라우저 밖으로 나가지 않습니다.
summary-lead = 테이블마다 내린 결정과 그렇게 결정한 규칙입니다.
summary-policy = { $chain } 기본 정책

## Labs: several hosts
tab-network = 네트워크
tab-connections = 연결
tab-seen = 결과
lab-map = 호스트와 그 사이의 선
lab-facts = 호스트 { $hosts }대 · 선 { $links }개
lab-how = 한 단계씩 넘기거나 호스트를 고르세요. 호스트가 열리며 훅과 테이블이 보입니다.
lab-open-host = 열기 ›
lab-host-label = 호스트 { $host } 열기: { $devices }
lab-probes = 탐침
lab-probe-new = 새 탐침
lab-undo = 되돌리기
lab-probe-begins = 탐침 { $number }({ $kind })을 { $host }에서 시작합니다: { $what }
lab-ways = 이 호스트를 지나는 패킷
lab-leave = 네트워크
lab-host-quiet = 이번 탐침에서는 이 호스트를 지나는 패킷이 없습니다.
lab-connections = 추적 중인 연결
lab-connections-none = 지금 추적 중인 연결이 없습니다.
lab-clock = 시계 { $time }초
lab-seconds-left = { $n }초 남음
lab-neighbours = 이웃
lab-neighbours-none = 아직 없습니다.
lab-routes = 경로
lab-seen = 보낸 쪽이 본 것
lab-answered = 응답 받음
lab-refused = 실패
lab-silence = 응답 없음
lab-flows = 가는 길과 오는 길
lab-way-back = 돌아오는 길 보기
seen-sent = 보냄
seen-replies = 응답
seen-connect = 연결
seen-local = 이쪽 끝
seen-received = 받음
seen-after-close = 닫은 뒤
seen-errors = 오류
seen-exit = 종료 상태
seen-not-modelled = 모델에 없음
seen-listeners = 서버가 본 것
lab-to-start = 처음으로
lab-to-end = 끝으로
probe-back = 이전 탐침으로
probe-forward = 다음 탐침으로
hop-back = 한 홉 뒤로
hop-forward = 한 홉 앞으로
play = 저절로 넘기기
key-network = 네트워크에서: 다음 홉, 다음 탐침
key-host = 초점이 있는 호스트 열기, 네트워크로 돌아가기
lab-probe-title = 탐침 하나 더 보내기
lab-probe-lead = 이 탐침을 마지막에 더해 랩 전체를 다시 돌립니다. 되돌리기로 뺄 수 있습니다.
lab-probe-kind = 종류
lab-probe-from = 보내는 호스트
lab-probe-data = 보낼 내용(선택)
lab-open = 바로 열 수 있는 여러 호스트의 랩
lab-open-lead = 직접 만든 랩은 JSON 파일 하나입니다. 아래에서 골라도 됩니다.
lab-error = 이 랩은 보여 줄 수 없습니다
lab-too-many-hosts = 호스트가 { $n }대로 너무 많습니다. 최대 { $most }대까지 보여 줍니다.
lab-too-many-probes = 탐침이 { $n }개로 너무 많습니다. 최대 { $most }개까지 보냅니다.
lab-too-many-events = 이 랩에서는 사건이 { $most }개를 넘게 일어납니다. 프레임이 브리지 고리를 돌고 있을 수 있습니다.
lab-done = 완료
lab-no-probes = 이 랩에는 아직 탐침이 없습니다. 하나 보내 보세요.
lab-fit = 전체 보기
lab-rules-now = 이 순간의 규칙
lab-rules-none = 이 호스트에는 따로 둔 규칙이 없습니다.
lab-rule-came = 새 규칙: 
lab-rule-went = 사라진 규칙: 
lab-doubts = 모델이 알 수 없는 판단이 { $n }번 있습니다. 그중 한 갈래를 보고 있고, 다른 갈래도 볼 수 있습니다.
lab-doubt-other = 다른 갈래로 보기
counters = 지금까지 패킷 { $packets }개, { $bytes }바이트
welcome-labs = 또는 여러 호스트를 건너는 패킷 보기
lab-masquerade = 가정 네트워크
lab-masquerade-hint = 주소 하나를 함께 씁니다. 라우터가 출발지를 가리고, 응답이 돌아올 길을 기억합니다.
lab-published-port = 브리지 위의 컨테이너
lab-published-port-hint = 밖에서 공개 포트로, 컨테이너끼리, 그리고 컨테이너에서 밖으로.
lab-error-through-nat = NAT를 지나는 오류
lab-error-through-nat-hint = ICMP 오류가 변환을 거슬러 돌아오고, 오류가 인용한 패킷도 함께 변환됩니다.
lab-forward-drop = FORWARD에서 버려짐
lab-forward-drop-hint = 한 포트는 조용히 버리고, 하나는 거부를 알리고, 하나는 통과시킵니다. 보낸 쪽에는 어떻게 보일까요.
lab-neighbours-v6 = IPv6의 이웃
lab-neighbours-v6-hint = 그룹으로 이웃을 찾고, 이웃이 자신을 알린 뒤에야 패킷이 나갑니다.
lab-masquerade-1 = 네임 서버에 묻기
lab-masquerade-2 = 웹 페이지 읽기
lab-masquerade-3 = 핑
lab-masquerade-4 = 낯선 접속
lab-published-port-1 = 공개 포트로
lab-published-port-2 = 컨테이너끼리
lab-published-port-3 = 컨테이너에서 밖으로
lab-published-port-4 = 공개하지 않은 포트
lab-error-through-nat-1 = 닫힌 UDP 포트
lab-error-through-nat-2 = 도중에 다하는 TTL
lab-error-through-nat-3 = 경로가 없는 네트워크
lab-forward-drop-1 = 22번 포트: 버림
lab-forward-drop-2 = 443번 포트: 거부
lab-forward-drop-3 = 80번 포트: 통과
lab-neighbours-v6-1 = 서버에 핑
lab-neighbours-v6-2 = 웹 페이지 읽기
lab-neighbours-v6-3 = 없는 이웃
