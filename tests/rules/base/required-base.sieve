require ["comparator-i;octet", "comparator-i;ascii-casemap"];
if allof (address :all :is "from" "sender@example.com", exists "to",
          anyof (false, header :contains "subject" "frop"), not size :over 1G,
          header :comparator "i;octet" :matches "subject" "Fr?p*") {
    keep;
} elsif true {
    discard;
} else {
    redirect "ann@example.org";
    stop;
}
