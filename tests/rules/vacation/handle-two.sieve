require ["vacation", "variables"];
vacation :days 2 :handle "ran-away" "Two.";
