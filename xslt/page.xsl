<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  The status document (lib/admin/status.h) as one page that fetches nothing: a map of cards, PFs and VFs, then the list.

  $host and $time say whose and when. Each state has a colour, in light and in dark, that differs from the others' in
  lightness too, and a letter. Widths are of a phone: three VFs beside each other are 366 pixels.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>
  <xsl:param name="host"/>
  <xsl:param name="time"/>

  <xsl:key name="pf" match="vf" use="concat(generate-id(..), @pf)"/>
  <xsl:key name="named" match="pf" use="concat(generate-id(..), @name)"/>
  <xsl:key name="state" match="vf" use="@state"/>
  <xsl:key name="own-state" match="vf" use="concat(generate-id(..), @pf, ' ', @state)"/>
  <!-- Functions of one device are one card. -->
  <xsl:key name="card" match="pf" use="concat(generate-id(..), substring-before(@address, '.'))"/>

  <xsl:template match="/status">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
        <title>
          <xsl:value-of select="concat('VFs of ', $host)"/>
        </title>
        <style>
          <xsl:text>
:root { --paper: #fff; --ink: #1b1b1b; --faint: #595959; --line: #767676; --alarm: #a3161a;
  --free: #fff; --on-free: #1b1b1b; --held: #0b4f8a; --on-held: #fff; --claimed: #a9d7f5; --on-claimed: #000;
  --drained: #f5d76e; --on-drained: #000; --unusable: #5c5c5c; --on-unusable: #fff; --quarantined: #b8321a; --on-quarantined: #fff; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #121212; --ink: #ececec; --faint: #b3b3b3; --line: #8c8c8c; --alarm: #ff9a8f;
    --free: #1f1f1f; --on-free: #ececec; --held: #62b7f0; --on-held: #000; --claimed: #164a75; --on-claimed: #fff;
    --drained: #f5d76e; --on-drained: #000; --unusable: #8f8f8f; --on-unusable: #000; --quarantined: #f0703c; --on-quarantined: #000; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 12px; max-width: 1280px; background: var(--paper); color: var(--ink);
  font: 16px/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 19px; margin: 28px 0 6px; } h3 { font-size: 16px; margin: 0 0 4px; }
p { margin: 4px 0; } .faint { color: var(--faint); } .alarm { color: var(--alarm); font-weight: 600; }
ul { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 16px; margin: 10px 0; padding: 0; }
.key { display: inline-block; width: 24px; height: 22px; line-height: 20px; vertical-align: middle; margin-right: 6px; text-align: center; border: 1px solid var(--line); }
.cards { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
.card { max-width: 100%; border-top: 3px solid var(--line); padding-top: 4px; }
.pfs { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
figure { margin: 0; width: 366px; max-width: 100%; } figcaption { margin-bottom: 4px; font-size: 14px; }
figure svg { display: block; width: 100%; height: auto; }
rect { stroke: var(--line); stroke-width: 1; } text { font: 12px system-ui, sans-serif; }
.free rect { fill: var(--free); } .free text { fill: var(--on-free); }
.held rect { fill: var(--held); } .held text { fill: var(--on-held); }
.claimed rect { fill: var(--claimed); } .claimed text { fill: var(--on-claimed); }
.drained rect { fill: var(--drained); } .drained text { fill: var(--on-drained); }
.unusable rect { fill: var(--unusable); } .unusable text { fill: var(--on-unusable); }
.quarantined rect { fill: var(--quarantined); } .quarantined text { fill: var(--on-quarantined); }
.key.free { background: var(--free); color: var(--on-free); } .key.held { background: var(--held); color: var(--on-held); }
.key.claimed { background: var(--claimed); color: var(--on-claimed); } .key.drained { background: var(--drained); color: var(--on-drained); }
.key.unusable { background: var(--unusable); color: var(--on-unusable); }
.key.quarantined { background: var(--quarantined); color: var(--on-quarantined); }
table { border-collapse: collapse; width: 100%; margin-top: 16px; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.words { white-space: normal; min-width: 8em; }
td.code { font-family: ui-monospace, monospace; }
@media screen and (max-width: 1000px) {
  thead { display: none; } table, tbody, tr, td { display: block; width: 100%; }
  tr { border-bottom: 1px solid var(--line); padding: 6px 0; } td { border: 0; padding: 0; white-space: normal; } td:empty { display: none; }
  td.short { display: inline; padding-right: 10px; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--faint); font-family: system-ui, sans-serif; }
}
@media print {
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } body { max-width: none; padding: 0; font-size: 11pt; }
  th, td { white-space: normal; font-size: 8pt; padding-right: 6px; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
}
</xsl:text>
        </style>
      </head>
      <body>
        <h1>
          <xsl:value-of select="concat('VFs of ', $host)"/>
        </h1>
        <p class="faint">
          <xsl:value-of select="$time"/>
        </p>
        <ul>
          <xsl:call-template name="legend">
            <xsl:with-param name="states">free claimed held drained unusable quarantined </xsl:with-param>
          </xsl:call-template>
        </ul>
        <xsl:if test="not(pool)">
          <p>
            <xsl:choose>
              <xsl:when test="@filtered">No VF is like that.</xsl:when>
              <xsl:otherwise>There are no pools: /etc/vfpool has no pool files.</xsl:otherwise>
            </xsl:choose>
          </p>
        </xsl:if>
        <xsl:apply-templates select="pool"/>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="legend">
    <xsl:param name="states"/>
    <xsl:variable name="state" select="substring-before($states, ' ')"/>
    <xsl:if test="$state">
      <li>
        <span class="key {$state}">
          <xsl:call-template name="letter">
            <xsl:with-param name="state" select="$state"/>
          </xsl:call-template>
        </span>
        <xsl:value-of select="concat(count(key('state', $state)), ' ', $state)"/>
      </li>
      <xsl:call-template name="legend">
        <xsl:with-param name="states" select="substring-after($states, ' ')"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <!-- A free VF has none. -->
  <xsl:template name="letter">
    <xsl:param name="state"/>
    <xsl:value-of select="translate(substring($state, 1, 1), 'chduqf', 'CHDUQ')"/>
  </xsl:template>

  <xsl:template match="pool">
    <section>
      <h2>
        <xsl:value-of select="concat('Pool ', @name)"/>
      </h2>
      <xsl:if test="@fault">
        <p class="alarm">
          <xsl:value-of select="concat('Out of service: ', @fault)"/>
        </p>
      </xsl:if>
      <xsl:for-each select="missing">
        <p class="alarm">
          <xsl:value-of select="concat('Missing: ', .)"/>
        </p>
      </xsl:for-each>
      <xsl:for-each select="note">
        <p>
          <xsl:value-of select="concat('Note: ', .)"/>
        </p>
      </xsl:for-each>
      <div class="cards">
        <xsl:for-each select="pf[generate-id() = generate-id(key('card', concat(generate-id(..), substring-before(@address, '.')))[1])]">
          <div class="card">
            <h3>
              <xsl:value-of select="concat('Card ', substring-before(@address, '.'))"/>
            </h3>
            <div class="pfs">
              <xsl:apply-templates select="key('card', concat(generate-id(..), substring-before(@address, '.')))"/>
            </div>
          </div>
        </xsl:for-each>
        <!-- What guests hold of a PF that the pool does not have any more. -->
        <xsl:for-each select="vf[not(key('named', concat(generate-id(..), @pf))) and
                                 generate-id() = generate-id(key('pf', concat(generate-id(..), @pf))[1])]">
          <div class="card">
            <h3>Not in the pool any more</h3>
            <figure>
              <figcaption>
                <b>
                  <xsl:value-of select="@pf"/>
                </b>
              </figcaption>
              <xsl:call-template name="map">
                <xsl:with-param name="name" select="@pf"/>
              </xsl:call-template>
            </figure>
          </div>
        </xsl:for-each>
      </div>
      <xsl:call-template name="list"/>
    </section>
  </xsl:template>

  <xsl:template match="pf">
    <figure>
      <figcaption>
        <b>
          <xsl:value-of select="@name"/>
        </b>
        <xsl:value-of select="concat(' ', @address)"/>
        <xsl:if test="@numa">
          <xsl:value-of select="concat(', NUMA node ', @numa)"/>
        </xsl:if>
        <xsl:choose>
          <xsl:when test="@up = 'no'">
            <xsl:text>, </xsl:text>
            <span class="alarm">down</span>
          </xsl:when>
          <xsl:when test="@carrier = 'no'">
            <xsl:text>, </xsl:text>
            <span class="alarm">no carrier</span>
          </xsl:when>
          <xsl:when test="@speed">
            <xsl:value-of select="concat(', ', @speed, ' Mbit/s')"/>
          </xsl:when>
        </xsl:choose>
      </figcaption>
      <xsl:call-template name="map">
        <xsl:with-param name="name" select="@name"/>
      </xsl:call-template>
    </figure>
  </xsl:template>

  <!-- Of one PF: its VFs, three beside each other. -->
  <xsl:template name="map">
    <xsl:param name="name"/>
    <xsl:variable name="vfs" select="key('pf', concat(generate-id(..), $name))"/>
    <xsl:variable name="own" select="concat(generate-id(..), $name, ' ')"/>
    <xsl:if test="not($vfs)">
      <p class="faint">No VF in the pool.</p>
    </xsl:if>
    <xsl:if test="$vfs">
      <svg role="img" viewBox="0 0 366 {ceiling(count($vfs) div 3) * 40 - 6}"
           aria-label="{$name}: {count($vfs)} VFs, {count(key('own-state', concat($own, 'free')))} free, {count(key('own-state', concat($own, 'held'))) + count(key('own-state', concat($own, 'claimed')))} with guests">
        <xsl:for-each select="$vfs">
          <xsl:variable name="x" select="(position() - 1) mod 3 * 124"/>
          <xsl:variable name="y" select="floor((position() - 1) div 3) * 40"/>
          <g class="{@state}">
            <title>
              <xsl:value-of select="concat('VF ', @vf, ', ', @address, ': ', @state)"/>
              <xsl:if test="guest">
                <xsl:value-of select="concat(' by ', guest/@name)"/>
              </xsl:if>
              <xsl:if test="@reason">
                <xsl:value-of select="concat('; ', @reason)"/>
              </xsl:if>
            </title>
            <rect x="{$x + 0.5}" y="{$y + 0.5}" width="117" height="33"/>
            <text x="{$x + 6}" y="{$y + 14}">
              <xsl:value-of select="@vf"/>
            </text>
            <text x="{$x + 112}" y="{$y + 14}" text-anchor="end">
              <xsl:call-template name="letter">
                <xsl:with-param name="state" select="@state"/>
              </xsl:call-template>
            </text>
            <!-- Cut off where the VF ends: the list has it in full. -->
            <xsl:if test="guest">
              <svg x="{$x + 6}" y="{$y + 16}" width="108" height="17">
                <text x="0" y="12">
                  <xsl:value-of select="guest/@name"/>
                </text>
              </svg>
            </xsl:if>
          </g>
        </xsl:for-each>
      </svg>
    </xsl:if>
  </xsl:template>

  <xsl:template name="list">
    <xsl:if test="vf">
      <table>
        <thead>
          <tr>
            <th>Address</th>
            <th>PF</th>
            <th>VF</th>
            <th>State</th>
            <th>Guest</th>
            <th>MAC address</th>
            <th>Since</th>
            <th>Reason</th>
          </tr>
        </thead>
        <tbody>
          <xsl:for-each select="vf">
            <tr>
              <td class="code short">
                <xsl:value-of select="@address"/>
              </td>
              <td class="short">
                <xsl:value-of select="@pf"/>
              </td>
              <td class="short" data-label="VF">
                <xsl:value-of select="@vf"/>
              </td>
              <td class="short">
                <xsl:value-of select="@state"/>
              </td>
              <td class="words" data-label="Guest">
                <xsl:value-of select="guest/@name"/>
              </td>
              <td class="code" data-label="MAC address">
                <xsl:value-of select="@mac"/>
              </td>
              <td data-label="Since">
                <xsl:value-of select="@since"/>
              </td>
              <td class="words" data-label="Reason">
                <xsl:value-of select="@reason"/>
              </td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
