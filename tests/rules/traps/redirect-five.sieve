redirect "user0@example.org";
redirect "user1@example.org";
redirect "user2@example.org";
redirect "user3@example.org";
redirect "user4@example.org";
