redirect "ann@example.org, ben@example.org";
redirect "group: ann@example.org;";
redirect "";
