require ["vacation", "variables"];
vacation :subject "a" "bc";
