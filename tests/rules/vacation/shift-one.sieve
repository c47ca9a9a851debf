require ["vacation", "variables"];
vacation :subject "ab" "c";
