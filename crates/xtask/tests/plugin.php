<?php

// Asks the Roundcube plugin's own functions, beside Debian's Roundcube but without a web server: one JSON value a line
// in, [FUNCTION, ARGUMENTS…], one a line out.

define('RCUBE_INSTALL_PATH', '/usr/share/roundcube/');
require '/usr/share/roundcube/program/lib/Roundcube/bootstrap.php';
$plugin = __DIR__ . '/../../../www/roundcube/tls_guarantee';
require "{$plugin}/tls_guarantee.php";
require "{$plugin}/report_signs.php";

$functions = [
    'sign' => [tls_guarantee::class, 'sign'],
    'is_message_id' => [tls_guarantee::class, 'is_message_id'],
    'may_be_report' => [tls_guarantee_report_signs::class, 'may_be_report'],
];
while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    echo json_encode($functions[array_shift($call)](...$call), JSON_THROW_ON_ERROR), "\n";
}
