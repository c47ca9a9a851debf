if true {
  # comment
  redirect "ann@example.org";
}
/* one
 two */
