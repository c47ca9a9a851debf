require ["vacation", "variables"];
if header :matches "subject" "*" {
    vacation :subject "Away: ${1}" "About ${1}: I am away.";
}
