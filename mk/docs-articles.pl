#!/usr/bin/perl
# Doxygen lists what cites an article by the name of the function or file. A reader comes from the article: this sorts the
# page by article and place, one table for each.
use strict;
use warnings;

local $/;
my $file = shift;
open my $in, '<', $file or die "$file: $!";
my $page = <$in>;
close $in;

my %titles = (
    'Part I' => 'Writing a Virtual Storport Miniport Driver, part I',
    'Part III' => 'Writing a Virtual Storport Miniport Driver, part III',
    'Tweaks' => 'Virtual Storport Tweaks',
    'thread' => 'The NTDEV thread "Virtual StorPort Driver"',
);
my %rows;
while ($page =~ m{<dt>(.*?)</dt>\s*<dd>(.*?)</dd>}gs) {
    my ($where, $items) = ($1, $2);
    $where =~ s/^(?:Global|Class|File|Member)\s+//;
    $where =~ s{</a>.*}{</a>}s;
    $items =~ s{</?p[^>]*>}{}g;
    for my $item (split /(?=<a class="anchor")/, $items) {
        next unless $item =~ m{^(<a class="anchor"[^>]*></a>)\s*(.*)}s;
        my ($anchor, $text) = ($1, $2);
        $text =~ s/\s+/ /g;
        my ($article, $place) = $text =~ /^([^,]+), (.*?)\s*$/ or die "docs: \\article{$text}: write article, place\n";
        exists $titles{$article} or die "docs: \\article{$text}: there is no article called $article\n";
        push @{$rows{$article}}, [$place, $anchor, $where];
    }
}
die "docs: $file holds no citations\n" unless %rows;
my $body = '';
for my $article (sort keys %rows) {
    $body .= "<h1>$titles{$article}</h1>\n<table class=\"markdownTable\">\n<tr><th>there</th><th>here</th></tr>\n";
    for my $row (sort { lc $a->[0] cmp lc $b->[0] || $a->[2] cmp $b->[2] } @{$rows{$article}}) {
        $body .= "<tr><td>$row->[1]$row->[0]</td><td>$row->[2]</td></tr>\n";
    }
    $body .= "</table>\n";
}
$page =~ s{<dl class="reflist">.*</dl>}{$body}s or die "docs: $file has no list\n";
open my $out, '>', $file or die "$file: $!";
print $out $page;
