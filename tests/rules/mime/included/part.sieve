require ["mime", "foreverypart", "include", "variables"];
global "seen";
if header :mime :matches "X-Where" "*" { set "seen" "${1}:"; }
foreverypart {
	if header :mime :matches "X-Where" "*" { set "seen" "${seen} ${1}"; }
}
